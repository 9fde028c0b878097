"""Weighted quantiles against numpy's on the values written out."""

import numpy as np
import pytest

from semeia.evaluation.statistics.calibration_curve import weighted_quantiles


@pytest.mark.parametrize("q", [0.0, 0.13, 0.5, 0.9, 1.0])
def test_equals_numpy_on_the_values_written_out(q):
    rng = np.random.default_rng(1)
    value = rng.choice(np.linspace(0, 1, 9), size=(40, 12))
    weight = rng.integers(0, 4, (40, 12)).astype(float)
    expected = [np.quantile(np.repeat(v, w.astype(int)), q) for v, w in zip(value, weight, strict=True)]
    np.testing.assert_allclose(weighted_quantiles(value, weight, (q,))[0], expected)


def test_nothing_drawn_has_no_quantile():
    assert np.isnan(weighted_quantiles(np.ones((1, 3)), np.zeros((1, 3)), (0.5,))).all()
