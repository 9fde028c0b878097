"""Random-effects summaries: against statsmodels, a direct maximisation, and a published example."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from statsmodels.stats.meta_analysis import combine_effects

from semeia.evaluation.statistics.random_effects import dersimonian_laird, inconsistency, reml, summarise_sites

# Thirteen trials of BCG vaccine (Colditz et al. 1994): cases and not cases, treated then control.
BCG = np.array(
    [
        (4, 119, 11, 128),
        (6, 300, 29, 274),
        (3, 228, 11, 209),
        (62, 13536, 248, 12619),
        (33, 5036, 47, 5761),
        (180, 1361, 372, 1079),
        (8, 2537, 10, 619),
        (505, 87886, 499, 87892),
        (29, 7470, 45, 7232),
        (17, 1699, 65, 1600),
        (186, 50448, 141, 27197),
        (5, 2493, 3, 2338),
        (27, 16886, 29, 17825),
    ]
)


@pytest.fixture
def bcg():
    a, b, c, d = BCG.T
    return np.log(a / (a + b)) - np.log(c / (c + d)), np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


@pytest.fixture
def sites():
    rng = np.random.default_rng(1)
    error = rng.uniform(0.1, 0.5, 7)
    return 1.5 + rng.normal(size=7) * np.sqrt(error**2 + 1.0), error


def test_a_published_example(bcg):
    # printed by the R package metafor (Viechtbauer 2010, J Stat Softw 36:3) in its README: rma(test="knha").
    summary = summarise_sites(*bcg)
    assert summary.mean == pytest.approx(-0.7145, abs=5e-5)
    assert summary.variance == pytest.approx(0.3132, abs=5e-5)
    assert dersimonian_laird(*bcg) == pytest.approx(0.3088, abs=5e-5)
    assert (summary.low, summary.high) == pytest.approx((-1.1084, -0.3206), abs=5e-5)
    assert summary.inconsistency == pytest.approx(0.9212, abs=5e-5)


def test_moments_and_hartung_knapp_are_those_of_statsmodels(bcg):
    estimate, error = bcg
    other = combine_effects(estimate, error**2, method_re="chi2", use_t=True)
    mine = summarise_sites(estimate, error, method="dersimonian-laird")
    assert mine.variance == pytest.approx(other.tau2)
    assert mine.inconsistency == pytest.approx(other.i2)
    low, high = other.conf_int(use_t=True)[3]  # Hartung and Knapp's variance
    assert other.scale_hksj_re > 1
    assert (mine.mean, mine.low, mine.high) == pytest.approx((other.mean_effect_re, low, high))
    assert mine.weights == pytest.approx(other.weights_rel_re)


def test_reml_maximises_the_restricted_likelihood(sites):
    estimate, error = sites

    def minus_likelihood(variance: float) -> float:
        total = error**2 + variance
        mean = (estimate / total).sum() / (1 / total).sum()
        return np.log(total).sum() + np.log((1 / total).sum()) + ((estimate - mean) ** 2 / total).sum()

    best = minimize_scalar(minus_likelihood, bounds=(0, 5), method="bounded", options={"xatol": 1e-10})
    assert reml(estimate, error) == pytest.approx(best.x, rel=1e-5)


def test_sites_that_agree_by_luck_do_not_narrow_the_interval():
    estimate, error = np.full(5, 1.0), np.full(5, 0.3)
    summary = summarise_sites(estimate, error)
    assert (summary.variance, summary.inconsistency) == (0.0, 0.0)
    assert summary.high - summary.mean == pytest.approx(2.776445 * 0.3 / np.sqrt(5), rel=1e-6)
    assert summary.predict_high is not None
    assert summary.predict_high > summary.high


def test_two_sites_have_no_prediction_interval():
    summary = summarise_sites(np.array([1.0, 2.0]), np.array([0.3, 0.3]))
    assert summary.predict_low is None
    assert summary.predict_high is None
    assert summary.mean == pytest.approx(1.5)


@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(0.05, 2)), min_size=2, max_size=12),
    st.floats(-5, 5),
    st.floats(0.1, 10),
)
def test_shifting_and_scaling_the_estimates_does_the_same_to_the_summary(pairs, shift, scale):
    estimate, error = np.array(pairs).T
    one, other = summarise_sites(estimate, error), summarise_sites(estimate * scale + shift, error * scale)
    assert other.mean == pytest.approx(one.mean * scale + shift, abs=1e-4 * (1 + scale))
    assert other.variance == pytest.approx(one.variance * scale**2, rel=1e-3, abs=1e-5 * scale**2)
    assert one.low <= one.mean <= one.high
    assert 0 <= one.inconsistency <= 1
    assert one.weights.sum() == pytest.approx(1)


def test_inconsistency_of_sites_that_agree_is_zero():
    assert inconsistency(np.ones(3), np.ones(3)) == 0.0
