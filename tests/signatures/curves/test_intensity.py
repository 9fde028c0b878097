"""Intensity: equal to painting every cell of the grid under the same draws; constant for few events."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semeia.signatures.curves.intensity import intensity_means
from step_grid import intensity_curve, trailing_mean

KEY = 0x1234567890ABCDEF


def mean_at(steps: np.ndarray, start: int, end: int, window: int, key: int = KEY) -> float:
    """One curve, through the compiled function."""
    seen = np.unique(steps)
    arrays = [np.array([n]) for n in (0, len(seen) - 1, start, end)]
    return float(intensity_means(seen, *arrays, window, np.array([key], np.uint64))[0])


@pytest.mark.parametrize("events", [20, 29, 30, 31, 137, 900])
@pytest.mark.parametrize("window", [7, 365, 5000])
def test_equals_the_painted_grid(events: int, window: int):
    rng = np.random.default_rng(events)
    steps = np.unique(rng.choice(2000, events, replace=False)) + 40
    start, end = 30, 2100

    curve = intensity_curve(steps, start, end, KEY)

    assert mean_at(steps, start, end, window) == pytest.approx(trailing_mean(curve, window), rel=1e-12)


@settings(deadline=None, max_examples=25)
@given(
    gaps=st.lists(st.integers(1, 40), min_size=20, max_size=60),
    key=st.integers(0, 2**64 - 1),
    before=st.integers(0, 50),
    after=st.integers(0, 50),
)
def test_is_exactly_the_painted_cell(gaps: list[int], key: int, before: int, after: int):
    steps = np.cumsum(gaps)
    start, end = int(steps[0]) - before, int(steps[-1]) + after

    assert mean_at(steps, start, end, 1, key) == intensity_curve(steps, start, end, key)[-1]


def test_few_events_are_spread_evenly():
    assert mean_at(np.arange(19) * 3, 0, 99, 30) == 19 / 100
    assert mean_at(np.arange(20) * 3, 0, 99, 30) != 20 / 100


def test_a_burst_stands_out_and_a_quiet_year_sinks():
    burst = np.concatenate([np.arange(0, 1000, 50), np.arange(1000, 1060)])

    assert mean_at(burst, 0, 1059, 60) > 5 * len(burst) / 1060
    assert mean_at(burst, 0, 2000, 365) < 0.05


def test_another_key_draws_other_histograms():
    steps = np.cumsum(np.random.default_rng(0).integers(1, 30, 60))

    values = {mean_at(steps, 0, 1200, 365, key) for key in range(20)}

    assert len(values) == 20
    assert np.std(list(values)) < 0.2 * np.mean(list(values))
