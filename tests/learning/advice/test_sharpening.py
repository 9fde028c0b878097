"""A pilot sharpens what the map expects as far as it is sure, and no further."""

import numpy as np
import pytest

from semeia.evaluation.statistics.delong import Difference
from semeia.learning.advice.map import Expected
from semeia.learning.advice.sharpening import WIDE, normal, sharpened

PRIOR = Expected(0.01, -0.02, 0.04, 0.5)


def test_a_pilot_with_a_huge_error_leaves_the_map():
    found = sharpened(PRIOR, Difference(0.5, 2.0))
    assert (found.value, found.low, found.high) == pytest.approx((0.01, -0.02, 0.04), abs=5e-4)
    assert found.chance == pytest.approx(0.5, abs=5e-3)
    # Not through being ignored: the same gain, more surely, moves it.
    assert sharpened(PRIOR, Difference(0.5, 0.05)).value > 0.08


def test_a_pilot_with_a_tiny_error_takes_over():
    found = sharpened(PRIOR, Difference(0.2, 1e-5))
    assert found.value == pytest.approx(0.2, abs=1e-5)
    assert found.high - found.low == pytest.approx(2 * WIDE * 1e-5, rel=1e-3)
    assert found.chance == pytest.approx(1)


def test_two_that_are_as_sure_meet_in_the_middle():
    error = 0.03 / WIDE  # that of the prior
    found = sharpened(PRIOR, Difference(0.05, error))
    assert found.value == pytest.approx(0.03)
    assert found.high - found.low == pytest.approx(0.06 / np.sqrt(2))


def test_the_interval_of_an_estimate_holds_in_eighty_of_a_hundred():
    one = normal(0.03, 0.02)
    drawn = np.random.default_rng(0).normal(0.03, 0.02, 200_000)
    assert np.mean((drawn > one.low) & (drawn < one.high)) == pytest.approx(0.8, abs=0.005)
    assert np.mean(drawn > 0.01) == pytest.approx(one.chance, abs=0.005)
