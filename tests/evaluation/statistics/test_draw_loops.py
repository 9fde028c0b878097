"""The compiled sums and those by arrays alone, against products of matrices and each other; values that are missing."""

import numpy as np
import pytest

from semeia.evaluation.statistics import draw_arrays, draw_loops
from semeia.evaluation.statistics.discrimination import ranking
from semeia.evaluation.statistics.draw_sums import rows_first

both = pytest.mark.parametrize("sums_by", [draw_loops, draw_arrays])


@both
@pytest.mark.parametrize("kind", [np.int16, np.int64, np.float64])
def test_sums_equal_a_product_of_matrices(kind, sums_by):
    rng = np.random.default_rng(0)
    weights, values = (3 * rng.random((9, 40))).astype(kind), rng.normal(size=(40, 3))
    group = rng.integers(0, 4, 40)
    values[group == 2, 1] = 0
    sums = np.zeros((4, 3, 9))
    sums_by.add_sums(rows_first(weights), group, values, sums)
    for number in range(4):
        mine = group == number
        np.testing.assert_allclose(sums[number].T, weights[:, mine] @ values[mine], atol=1e-12)


@both
def test_what_is_missing_stays_missing_in_its_column(sums_by):
    sums = np.zeros((1, 2, 3))
    values = np.array([[np.nan, 1.0], [2.0, 1.0]])
    sums_by.add_sums(rows_first(np.array([[1, 1], [0, 1], [2, 0]])), np.zeros(2, dtype=np.int64), values, sums)
    assert np.isnan(sums[0, 0]).all()
    assert sums[0, 1].tolist() == [2, 1, 2]


def test_counts_of_16_bits_are_not_copied():
    counts = np.ones((5, 3), dtype=np.int16)
    assert np.shares_memory(rows_first(counts.T), counts)
    assert rows_first(counts.T.astype(np.int64)).dtype == np.float64


@pytest.mark.parametrize("kind", [np.int16, np.float64])
@pytest.mark.parametrize("levels", [3, 1000])
def test_arrays_walk_through_the_scores_as_the_loops_do(kind, levels):
    rng = np.random.default_rng(levels)
    rows = rng.poisson(1, (60, 40)).astype(kind)
    label, score = rng.random(60) < 0.4, rng.integers(0, levels, 60) / levels
    ranked = ranking(label, score)
    looped, arrayed = np.zeros((2, 4, 40))
    draw_loops.add_ranked(rows, ranked.order, ranked.positive, ranked.last, looped)
    draw_arrays.add_ranked(rows, ranked.order, ranked.positive, ranked.last, arrayed)
    np.testing.assert_allclose(arrayed, looped, atol=1e-10)
    assert (looped > 0).all()

    upwards = ranked.order[::-1].copy(), ranked.positive[::-1].copy()
    points = np.array([[0.5], [0.9]])
    wanted = points * looped[1] - 1e-9, (1 - points) * looped[0] + 1e-9
    passed = np.zeros((2, 2, 2, 40))
    draw_loops.first_passing(rows, *upwards, *wanted, *passed[0])
    draw_arrays.first_passing(rows, *upwards, *wanted, *passed[1])
    np.testing.assert_array_equal(passed[1], passed[0])
    assert passed[0].any()
