"""One-pass statistics: moments merge to those of all values; medians are right to a two-thousandth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semeia.signatures.running import QuantileSketch, moments_of, repeated

VALUES = st.lists(st.tuples(st.integers(0, 3), st.floats(-1e4, 1e4)), max_size=60)


@given(values=VALUES, cut=st.integers(0, 60))
def test_moments_of_parts_merge_to_those_of_all(values: list[tuple[int, float]], cut: int):
    channel, value = np.array([c for c, _ in values], int), np.array([v for _, v in values], float)

    found = moments_of(channel[:cut], value[:cut], channels=4) + moments_of(channel[cut:], value[cut:], channels=4)

    for at in range(4):
        own = value[channel == at]
        assert found.count[at] == len(own)
        assert found.mean[at] == pytest.approx(own.mean() if len(own) else 0.0, rel=1e-9, abs=1e-9)
        assert found.sd()[at] == pytest.approx(own.std() if len(own) else 0.0, rel=1e-9, abs=1e-8)


def test_a_large_mean_costs_no_digits():
    value = 1e9 + np.random.default_rng(0).normal(size=10_000)
    parts = [moments_of(np.zeros(100, int), part, channels=1) for part in np.split(value, 100)]

    assert sum(parts[1:], parts[0]).sd()[0] == pytest.approx(value.std(), rel=1e-7)


def test_pooled_moments_are_those_of_one_channel():
    rng = np.random.default_rng(0)
    channel, value = rng.integers(0, 3, 500), rng.normal(size=500) * 3
    where = np.array([True, False, True])

    pooled = (moments_of(channel, value, channels=3) + repeated(-2.0, np.array([5.0, 7.0, 0.0]))).pooled(where)

    everything = np.concatenate([value[channel != 1], np.full(5, -2.0)])
    assert pooled.mean[0] == pytest.approx(everything.mean())
    assert pooled.sd()[0] == pytest.approx(everything.std())


@given(values=st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40), parts=st.integers(1, 5))
def test_medians_are_right_to_half_a_bin(values: list[float], parts: int):
    sketch, again = QuantileSketch(), QuantileSketch()
    for part in np.array_split(np.array(values), parts):
        sketch.add(np.full(len(part), 1), part)
    again.add(np.full(len(values), 1), np.array(values[::-1]))

    found = sketch.medians(channels=3)

    low, high = np.sort(values)[[(len(values) - 1) // 2, len(values) // 2]]
    tolerance = (abs(low) + abs(high)) / 2 / 4000 + 1e-38
    assert found[1] == pytest.approx((low + high) / 2, abs=tolerance)
    assert np.isnan(found[[0, 2]]).all()
    assert found[1] == again.medians(channels=3)[1]
