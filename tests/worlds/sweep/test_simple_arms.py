"""Arms without networks, against what they should find."""

import numpy as np

from semeia.evaluation.statistics.discrimination import auroc
from semeia.worlds.sweep.simple_arms import boosted_scores, canonical_variates, ridge_scores


def two_views(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns of two modalities of which the first of each share a cause, and that cause."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal(n)
    image, record = rng.standard_normal((n, 9)), rng.standard_normal((n, 10))
    image[:, 0] = 0.95 * shared + 0.312 * image[:, 0]
    record[:, 0] = 0.95 * shared + 0.312 * record[:, 0]
    return image, record, shared


def test_canonical_variates_find_what_is_shared_and_agree_with_scikit_learn():
    from sklearn.cross_decomposition import CCA

    image, record, shared = two_views(4000, 0)
    found = canonical_variates(image, record)
    first = image @ found.image[:, 0], record @ found.record[:, 0]
    assert abs(np.corrcoef(first[0], shared)[0, 1]) > 0.94
    theirs = CCA(n_components=1).fit(image, record).transform(image, record)
    for mine, other in zip(first, theirs, strict=True):
        assert abs(mine.std() - 1) < 1e-6
        assert abs(np.corrcoef(mine, other[:, 0])[0, 1]) > 0.99


def test_products_of_variates_see_a_label_that_no_linear_score_sees():
    train, test = two_views(2000, 1), two_views(2000, 2)
    label = [(np.abs(shared) > 0.67).astype(int) for _, _, shared in (train, test)]
    canonical = canonical_variates(*two_views(4000, 3)[:2])
    columns = [canonical.columns(image, record, np.ones(len(image), bool)) for image, record, _ in (train, test)]
    curved = ridge_scores(columns[0], label[0], [columns[1]], seed=0)[0]
    linear = ridge_scores(np.hstack(train[:2]), label[0], [np.hstack(test[:2])], seed=0)[0]
    assert auroc(label[1], curved) > 0.9
    assert auroc(label[1], linear) < 0.55


def test_without_a_record_products_are_those_of_the_image():
    image, record, _ = two_views(500, 4)
    canonical = canonical_variates(image, record)
    alone = canonical.columns(image, np.zeros_like(record), np.zeros(500, bool))
    variates = image @ canonical.image
    assert np.allclose(alone[:, 16], variates[:, 0] ** 2)


def test_trees_and_ridge_read_missing_values_and_constant_columns():
    rng = np.random.default_rng(5)
    x = rng.standard_normal((300, 4))
    label = (x[:, 0] + 0.3 * rng.standard_normal(300) > 0).astype(int)
    x[:, 3] = 1.0
    assert auroc(label[200:], ridge_scores(x[:200], label[:200], [x[200:]], seed=0)[0]) > 0.9
    x[::3, 1] = np.nan
    assert auroc(label[200:], boosted_scores(x[:200], label[:200], [x[200:]], seed=0)[0]) > 0.9
