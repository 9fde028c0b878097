"""The map against least squares, and that what it says of a family was not learnt from it."""

import math
from typing import get_args

import numpy as np
import pytest

from semeia.learning.advice.map import NAMES, Place, Ridge, fit_ridge, load_map
from semeia.worlds.world import Structure

RNG = np.random.default_rng(0)
NUMBERS = RNG.standard_normal((30, 6)) * [1, 2, 3, 4, 5, 6]
FAMILY = tuple("abc"[row % 3] for row in range(30))
GAIN = NUMBERS @ [0.1, 0, 0.2, 0, 0, -0.1] + 0.3 + 0.01 * RNG.standard_normal(30)


def test_without_penalty_it_is_least_squares():
    line, _ = fit_ridge(NUMBERS, GAIN, FAMILY, penalty=0.0)
    weights = np.linalg.lstsq(np.column_stack([np.ones(30), NUMBERS]), GAIN)[0]

    expected = weights[0] + NUMBERS[4] @ weights[1:]
    assert line.at(NUMBERS[4]).value == pytest.approx(expected, abs=1e-4)


def test_a_family_is_expected_by_the_others_alone():
    _, before = fit_ridge(NUMBERS, GAIN, FAMILY)
    own = np.array(FAMILY) == "b"
    _, after = fit_ridge(NUMBERS, np.where(own, GAIN + 5, GAIN), FAMILY)

    np.testing.assert_allclose(after[own], before[own])
    assert fit_ridge(NUMBERS, GAIN, FAMILY)[0].r == pytest.approx(np.corrcoef(GAIN, before)[0, 1], abs=1e-3)
    assert not np.allclose(after[~own], before[~own])


def test_an_interval_is_of_the_errors_of_families_left_out():
    errors = tuple(np.linspace(-0.1, 0.1, 21))
    line = Ridge(mean=(0.0,) * 6, sd=(1.0,) * 6, weights=(0.0,) * 6, intercept=0.02, errors=errors, r=0.5)
    found = line.at(np.zeros(6))

    assert (found.value, found.low, found.high) == pytest.approx((0.02, -0.06, 0.10))
    assert found.chance == pytest.approx(11 / 21)  # errors above -.01: from 0 (with rounding) on


def test_the_shipped_map_can_be_read():
    chart = load_map()

    assert set(chart.families) == set(get_args(Structure))
    assert len(chart.scratch.errors) == len(chart.ridge.errors) == chart.worlds >= 50
    lengths = {len(one) for one in (chart.low, chart.high, chart.scratch.weights, chart.ridge.weights)}
    assert lengths == {len(NAMES)} == {6}
    middle = (np.array(chart.low) + chart.high) / 2
    inside = Place(
        middle[0], middle[1], middle[2], round(middle[3]), round(math.exp(middle[4])), round(math.exp(middle[5]))
    )
    assert chart.outside(inside) == []
    assert chart.outside(Place(0.7, 0.1, 0.1, 2, 10**9, 200)) == ["paired"]
