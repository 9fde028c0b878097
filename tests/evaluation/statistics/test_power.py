"""Power against statsmodels' normal power."""

import numpy as np
import pytest
from statsmodels.stats.power import NormalIndPower

from semeia.evaluation.resampling import Draws
from semeia.evaluation.statistics.intervals import detectable_difference, power_at


def test_the_detectable_difference_is_280_standard_errors_and_has_its_power():
    assert detectable_difference(0.01) == pytest.approx(0.028016, abs=1e-5)
    assert power_at(detectable_difference(0.01), 0.01) == pytest.approx(0.8, abs=1e-4)
    assert power_at(0.0, 0.01) == pytest.approx(0.05)


def test_power_equals_statsmodels():
    # one sample (ratio 0) of n observations of unit variance: the standard error of the mean is 1 / sqrt(n).
    expected = NormalIndPower().power(effect_size=0.3, nobs1=50, alpha=0.05, ratio=0)
    assert power_at(0.3, 1 / np.sqrt(50)) == pytest.approx(expected)


def test_the_standard_error_leaves_out_undefined_draws():
    assert Draws(np.zeros(3), 3).error(np.array([0.0, 1.0, 3.0, np.nan])) == pytest.approx(np.sqrt(2))
