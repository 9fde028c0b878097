"""Two components of an embedding equal scikit-learn's, and are fitted on the fitted rows alone."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from semeia.studies.run.embedding import components, some


@pytest.mark.parametrize("fitted", [30, 6])
def test_components_are_those_of_scikit_learn(fitted: int):
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(9, 9))
    one, two = rng.normal(size=(fitted, 9)) @ mixing + 3, rng.normal(size=(12, 9)) @ mixing
    points, shares = components(one, two)
    scale = StandardScaler().fit(one)
    oracle = PCA(n_components=2, svd_solver="full").fit(scale.transform(one))
    np.testing.assert_allclose(shares, oracle.explained_variance_ratio_)
    expected = oracle.transform(scale.transform(two))
    np.testing.assert_allclose(np.abs(points), np.abs(expected), atol=1e-9)
    # Signs are fixed: the largest weight of each component is positive.
    flipped, _ = components(one[::-1], two)
    np.testing.assert_allclose(points, flipped, atol=1e-9)


def test_shown_rows_move_only_themselves():
    rng = np.random.default_rng(1)
    one, two = rng.normal(size=(20, 5)), rng.normal(size=(7, 5))
    points, shares = components(one, two)
    other, same = components(one, np.concatenate([two[:3], two[3:] + 100]))
    np.testing.assert_allclose(points[:3], other[:3])
    np.testing.assert_array_equal(shares, same)


def test_features_that_do_not_vary_and_embeddings_of_one_or_no_direction():
    rng = np.random.default_rng(2)
    one = np.concatenate([rng.normal(size=(20, 1)), np.ones((20, 3))], 1)
    points, shares = components(one, one[:5] + np.array([0, 0, 0, 50.0]))
    np.testing.assert_allclose(shares, [1, 0])
    assert np.abs(points[:, 0]).max() > 0.1
    assert not points[:, 1].any()
    collapsed, none = components(np.ones((20, 4)), np.ones((3, 4)))
    assert not collapsed.any()
    assert not none.any()


def test_some_rows_are_drawn_in_order_and_all_where_there_are_few():
    rows = np.arange(100, 160)
    drawn = some(rows, 20, np.random.default_rng(0))
    assert len(set(drawn)) == 20
    assert set(drawn) <= set(rows)
    assert (np.diff(drawn) > 0).all()
    assert some(rows, 60, np.random.default_rng(0)) is rows
