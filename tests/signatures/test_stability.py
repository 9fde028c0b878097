import numpy as np
import pytest

from planted_sources import planted
from semeia.errors import InputError
from semeia.signatures.ica.blocks import ArraySamples, Samples, blocks
from semeia.signatures.ica.settings import IcaSettings
from semeia.signatures.ica.solvers import separate
from semeia.signatures.stability import LEAST_STABLE, Stability, cluster_index, matched, stability


def fit(samples: Samples, seed: int) -> np.ndarray:
    """The mixing of a fit from one start."""
    settings = IcaSettings(dtype="float64", threads=1, most_iterations=30, seed=seed)
    return separate(samples, settings, components=12, trim=True).components.mixing


def test_planted_sources_are_stable_and_noise_is_not():
    values, truth = planted(2000, sources=12, channels=16, gaussian=7, seed=1)
    samples, patients = ArraySamples(values), np.repeat(np.arange(1000), 2)
    mixing = fit(samples, 0)
    found = stability(samples, patients, mixing=mixing, refit=fit, draws=4, starts=2)
    # Which columns are planted sources: those that are the true mixing's.
    _, columns = matched(truth, mixing)
    cosines = np.abs(columns[:, :5].T @ mixing / np.linalg.norm(mixing, axis=0)).max(axis=0)
    real = cosines > 0.99

    assert real.sum() == 5
    np.testing.assert_array_equal(found.unstable(), ~real)
    assert found.patients.shape == (4, 12)
    assert found.seeds.shape == (2, 12)
    assert found.typical()[real].min() > 0.95
    assert found.low()[~real].max() < LEAST_STABLE
    assert found.index[real].min() > found.index[~real].max() + 0.1


def test_workers_change_nothing():
    values, _ = planted(400, sources=10, channels=10)
    samples, patients = ArraySamples(values), np.arange(400) // 3
    mixing = fit(samples, 0)
    one, two = (
        stability(samples, patients, mixing=mixing, refit=fit, draws=2, starts=1, workers=workers) for workers in (1, 2)
    )

    np.testing.assert_array_equal(one.patients, two.patients)
    np.testing.assert_array_equal(one.seeds, two.seeds)
    np.testing.assert_array_equal(one.index, two.index)


def test_patients_are_drawn_whole_and_other_starts_see_the_rows_as_they_are():
    values, patients = np.column_stack([np.arange(6.0), np.ones(6)]), np.array(["a", "a", "b", "b", "b", "c"])
    seen: list[tuple[np.ndarray, int]] = []

    def refit(samples: Samples, seed: int) -> np.ndarray:
        seen.append((np.concatenate([block[:, 0] for block in blocks(samples, 2)]), seed))
        return np.eye(2)

    found = stability(ArraySamples(values), patients, mixing=np.eye(2), refit=refit, draws=20, starts=2, seed=3)

    assert len({seed for _, seed in seen}) == 22
    for drawn, _ in seen[:20]:
        a, b, c = (np.isin(drawn, rows).sum() for rows in ([0, 1], [2, 3, 4], [5]))
        assert a % 2 == 0
        assert b % 3 == 0
        assert a / 2 + b / 3 + c == 3
    for drawn, _ in seen[20:]:
        np.testing.assert_array_equal(drawn, np.arange(6.0))
    np.testing.assert_array_equal(found.patients, 1)
    np.testing.assert_array_equal(found.index, 1)


def test_matching_is_one_to_one_and_the_best():
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((9, 4))
    cosines, columns = matched(mixing, -3 * mixing[:, [2, 0, 3, 1]])

    np.testing.assert_allclose(cosines, 1)
    np.testing.assert_allclose(np.abs(columns), np.abs(mixing / np.linalg.norm(mixing, axis=0)))


def test_a_refit_with_fewer_columns_leaves_some_without_a_match():
    mixing = np.eye(4)
    cosines, columns = matched(mixing, mixing[:, [3, 1]])

    np.testing.assert_array_equal(cosines, [0, 1, 0, 1])
    np.testing.assert_array_equal(columns[:, [0, 2]], 0)


def test_index_is_what_icasso_computes_from_all_pairs():
    rng = np.random.default_rng(1)
    runs = [columns / np.linalg.norm(columns, axis=0) for columns in rng.standard_normal((4, 6, 3))]
    similar = np.abs(np.hstack(runs).T @ np.hstack(runs))
    cluster = np.tile(np.arange(3), 4)
    for number, index in enumerate(cluster_index(runs)):
        inside = cluster == number
        within = similar[np.ix_(inside, inside)][~np.eye(4, dtype=bool)].mean()
        assert index == pytest.approx(within - similar[np.ix_(inside, ~inside)].mean())


def test_summaries_take_the_worse_of_patients_and_seeds():
    found = Stability(np.array([[0.95, 0.8], [0.97, 0.7]]), np.array([[0.5, 0.99]]), np.zeros(2))

    np.testing.assert_allclose(found.typical(), [0.5, 0.75])
    np.testing.assert_array_equal(found.unstable(), [True, True])
    only = Stability(np.array([[0.95, 0.8]]), np.empty((0, 2)), np.zeros(2))
    np.testing.assert_array_equal(only.typical(), [0.95, 0.8])


@pytest.mark.parametrize(
    ("patients", "draws", "words"), [(np.arange(3), 1, "3 given for 4 rows"), (np.arange(4), 0, "nothing to refit")]
)
def test_refuses(patients, draws, words):
    with pytest.raises(InputError, match=words):
        stability(ArraySamples(np.eye(4)), patients, mixing=np.eye(4), refit=fit, draws=draws, starts=0)
