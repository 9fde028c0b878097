"""Interpolation: equal to scipy's PCHIP evaluated on every step of the grid, flat ends included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semeia.signatures.curves.interpolation import interpolation_means
from step_grid import interpolated_curve, trailing_mean


def mean_at(steps: np.ndarray, values: np.ndarray, start: int, end: int, window: int) -> float:
    """One curve, through the compiled function."""
    first, last, begin, stop = (np.array([n]) for n in (0, len(steps) - 1, start, end))
    return float(interpolation_means(steps, values, first, last, values[-1:], begin, stop, window)[0])


VALUES = st.floats(-1e3, 1e3, allow_subnormal=False, width=32).map(lambda value: round(value, 3))


@settings(deadline=None, max_examples=150)
@given(
    knots=st.lists(st.tuples(st.integers(1, 60), VALUES), min_size=1, max_size=12),
    before=st.integers(0, 20),
    after=st.integers(0, 80),
    window=st.sampled_from([1, 2, 7, 50, 365]),
)
def test_equals_scipy_on_the_grid(knots: list[tuple[int, float]], before: int, after: int, window: int):
    steps = np.cumsum([gap for gap, _ in knots])
    values = np.array([value for _, value in knots])
    start, end = int(steps[0]) - before, int(steps[-1]) + after

    curve = interpolated_curve(steps, values, start, end)

    assert mean_at(steps, values, start, end, window) == pytest.approx(trailing_mean(curve, window), rel=1e-9, abs=1e-9)


def test_a_long_gap_of_hours_keeps_its_digits():
    steps, values = np.array([0, 3, 150_000]), np.array([4.0, 5.5, 140.0])

    curve = interpolated_curve(steps, values, 0, 149_990 + 10)

    assert mean_at(steps, values, 0, 150_000, 24) == pytest.approx(trailing_mean(curve, 24), rel=1e-9)


def test_one_value_is_constant():
    assert mean_at(np.array([5]), np.array([3.25]), 0, 4000, 365) == 3.25


def test_never_leaves_the_range_of_the_values():
    rng = np.random.default_rng(1)
    for _ in range(50):
        steps = np.unique(rng.integers(0, 900, 30))
        values = rng.lognormal(0, 2, len(steps))
        assert values.min() <= mean_at(steps, values, 0, 1000, int(rng.integers(1, 800))) <= values.max()
