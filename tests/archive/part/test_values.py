"""Percentiles and bits say what numbers an image has, whatever its type."""

import numpy as np
import pytest

from semeia.archive.part.pixels import PERCENTS, bits_used, percentiles

RNG = np.random.default_rng(0)


def test_percentiles_are_exact_where_all_values_are_taken():
    array = RNG.normal(0, 99, (40, 50)).astype(np.float32)
    assert percentiles(array) == pytest.approx(np.percentile(array, PERCENTS))


def test_of_many_values_the_ends_are_exact_and_the_rest_near():
    """Columns differ, so that taking the same few in every row would be far off."""
    array = np.broadcast_to(np.arange(1024, dtype=np.uint16), (4096, 1024)).copy()
    array[7, 7] = 60_000
    found = percentiles(array)
    assert (found[0], found[-1]) == (0, 60_000)
    assert found[1:-1] == pytest.approx(np.percentile(array, PERCENTS[1:-1]), abs=5)


@pytest.mark.parametrize(
    ("array", "bits"),
    [
        (np.arange(4096, dtype=np.uint16), 12),
        (np.arange(4096, dtype=np.uint16) << 4, 12),
        (np.arange(256, dtype=np.uint16) * 257, 16),
        (np.arange(256, dtype=np.uint8), 8),
        (np.zeros(4, np.uint8), 0),
        (np.array([-1024, 3071], np.int16), 12),
        (np.array([-(2**31), 2**31 - 1], np.int32), 32),
        (np.ones(3, np.float32), None),
    ],
)
def test_bits(array: np.ndarray, bits: int | None):
    assert bits_used(array) == bits
