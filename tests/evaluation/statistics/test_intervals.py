"""Percentile and BCa intervals against scipy's bootstrap, and where they are undefined."""

import numpy as np
import pytest
from scipy import stats

from semeia.evaluation.resampling import Draws
from semeia.evaluation.statistics.intervals import bca_interval, exact_bound, percentile_interval


def test_percentile_interval_leaves_out_undefined_draws():
    # of 99 draws the 5th and the 95th have a twentieth of the places beyond them
    values = np.append(np.arange(1.0, 100.0), np.nan)
    assert percentile_interval(values, level=0.9) == (pytest.approx(5), pytest.approx(95))
    assert np.isnan(percentile_interval(np.array([np.nan]))).all()


def test_few_patients_widen_the_percentile_interval_as_student_does():
    values = np.random.default_rng(0).normal(size=200_000)
    for patients in (8, 40):
        reach = stats.t.ppf(0.975, patients - 1) * np.sqrt(patients / (patients - 1))
        assert percentile_interval(values, patients=patients) == pytest.approx((-reach, reach), abs=0.05)
    assert percentile_interval(values, patients=10**6) == pytest.approx(percentile_interval(values), abs=1e-3)


def test_an_exact_bound_is_that_of_clopper_and_pearson():
    for patients in (1, 3, 50):
        test = stats.binomtest(patients, patients).proportion_ci(0.95, "exact")
        assert exact_bound(1.0, patients) == pytest.approx((test.low, test.high))
        low, high = exact_bound(0.0, patients)
        assert (1 - high, 1 - low) == pytest.approx((test.low, test.high))


def test_bca_is_that_of_scipy_on_the_same_draws():
    data = np.random.default_rng(3).gamma(1.0, size=60)
    found = stats.bootstrap((data,), np.mean, n_resamples=4000, method="BCa", rng=np.random.default_rng(1))
    left_out = (data.sum() - data) / (len(data) - 1)
    low, high = bca_interval(float(data.mean()), found.bootstrap_distribution, left_out)
    assert (low, high) == pytest.approx(tuple(found.confidence_interval), abs=1e-9)
    plain = percentile_interval(found.bootstrap_distribution)
    assert low > plain[0]  # a skewed statistic: both ends move to the right
    assert high > plain[1]


def test_bca_falls_back_where_the_correction_does_not_exist():
    assert bca_interval(5.0, np.array([1.0, 2.0, 3.0]), np.array([1.0])) == percentile_interval(np.array([1.0, 2, 3]))
    assert bca_interval(2.0, np.full(9, 2.0), np.full(4, 2.0)) == (2.0, 2.0)
    assert np.isnan(bca_interval(2.0, np.array([np.nan]), np.array([1.0]))).all()


def test_an_interval_of_draws_uses_the_method_it_names():
    values = np.concatenate([[0.4], np.random.default_rng(0).normal(0.5, 0.1, 500), np.linspace(0.3, 0.5, 50)])
    strata = np.zeros(50, dtype=bool)
    assert Draws(strata, 500).interval(values[:501]) == percentile_interval(values[1:501], patients=50)
    assert Draws(strata, 500).interval(values[:501], patients=9) == percentile_interval(values[1:501], patients=9)
    assert Draws(strata, 500, method="bca").interval(values) == bca_interval(0.4, values[1:501], values[501:])
    assert "BCa" in Draws(strata, 500, method="bca").words
