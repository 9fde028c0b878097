"""The compiled sums against products of matrices, of counts and of fractions, with values that are missing."""

import numpy as np
import pytest

from semeia.evaluation.statistics.draw_loops import add_sums, rows_first


@pytest.mark.parametrize("kind", [np.int16, np.int64, np.float64])
def test_sums_equal_a_product_of_matrices(kind):
    rng = np.random.default_rng(0)
    weights, values = (3 * rng.random((9, 40))).astype(kind), rng.normal(size=(40, 3))
    group = rng.integers(0, 4, 40)
    values[group == 2, 1] = 0
    sums = np.zeros((4, 3, 9))
    add_sums(rows_first(weights), group, values, sums)
    for number in range(4):
        mine = group == number
        np.testing.assert_allclose(sums[number].T, weights[:, mine] @ values[mine], atol=1e-12)


def test_what_is_missing_stays_missing_in_its_column():
    sums = np.zeros((1, 2, 3))
    values = np.array([[np.nan, 1.0], [2.0, 1.0]])
    add_sums(rows_first(np.array([[1, 1], [0, 1], [2, 0]])), np.zeros(2, dtype=np.int64), values, sums)
    assert np.isnan(sums[0, 0]).all()
    assert sums[0, 1].tolist() == [2, 1, 2]


def test_counts_of_16_bits_are_not_copied():
    counts = np.ones((5, 3), dtype=np.int16)
    assert np.shares_memory(rows_first(counts.T), counts)
    assert rows_first(counts.T.astype(np.int64)).dtype == np.float64
