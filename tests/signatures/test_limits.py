"""Limits lie as far beyond the percentiles as these are from the median; typing errors do not move them."""

import numpy as np
import pytest

from semeia.signatures.channels import limits
from semeia.signatures.running import QuantileSketch


def found(*values: np.ndarray) -> list[tuple[float, float]]:
    """The limits of channels with these values."""
    sketch = QuantileSketch()
    for channel, own in enumerate(values):
        sketch.add(np.full(len(own), channel), own)
    return list(zip(*(limit.tolist() for limit in limits(sketch, channels=len(values))), strict=True))


def test_are_as_far_beyond_the_percentiles_as_these_are_from_the_median():
    values = np.random.default_rng(0).normal(140, 4, 10_001)
    low, middle, high = np.quantile(values, [0.01, 0.5, 0.99])

    [(lowest, highest)] = found(values)

    assert lowest == pytest.approx(2 * low - middle, rel=2e-3)
    assert highest == pytest.approx(2 * high - middle, rel=2e-3)


def test_one_value_in_two_hundred_does_not_move_them():
    values = np.random.default_rng(1).normal(500, 50, 1000)
    spoilt = values.copy()
    spoilt[:5] = 650_000

    [(_, clean), (_, still)] = found(values, spoilt)

    assert still == pytest.approx(clean, rel=0.1)


def test_nothing_is_known_of_a_channel_that_hardly_varies_or_has_no_values():
    flag = np.zeros(1000)
    flag[:3] = 1.0

    assert np.isnan(found(flag, np.full(50, 7.5), np.zeros(0))).all()


def test_few_values_have_limits_that_the_largest_may_pass():
    values = np.append(np.arange(1.0, 20.0), 1e6)

    [(lowest, highest)] = found(values)

    assert lowest < 1
    assert 19 < highest < 100
