"""Recalibration against scikit-learn and statsmodels; refused on the patients it was fitted on."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from semeia.errors import InputError
from semeia.evaluation.statistics.calibration import calibration
from semeia.evaluation.statistics.recalibration import METHODS, fit_recalibration, recalibrated


def data(n: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    odds = rng.normal(-0.3, 1.3, n)
    return (rng.random(n) < expit(0.6 * odds + 0.5)).astype(np.int8), np.round(expit(odds), 3), np.arange(n)


def test_logistic_equals_statsmodels():
    label, score, patient = data()
    fit = sm.GLM(label, sm.add_constant(logit(score)), family=sm.families.Binomial()).fit()
    rule = fit_recalibration("logistic", label, score, patient=patient)
    np.testing.assert_allclose(recalibrated(rule, score, patient=patient + 300), fit.fittedvalues, atol=1e-7)


@pytest.mark.parametrize(("method", "slope"), [("intercept", False), ("logistic", True)])
def test_what_is_mended_is_right_where_it_was_fitted(method, slope):
    label, score, patient = data()
    again = recalibrated(fit_recalibration(method, label, score, patient=patient), score, patient=patient + 300)
    found = calibration(label, again)
    assert found[0] == pytest.approx(0, abs=1e-6)
    assert (found[1] == pytest.approx(1, abs=1e-6)) == slope


def test_isotonic_equals_scikit_learn_within_its_bounds():
    label, score, patient = data()
    rule = fit_recalibration("isotonic", label, score, patient=patient)
    at = np.linspace(0, 1, 501)
    expected = IsotonicRegression(out_of_bounds="clip").fit(score, label).predict(at)
    found = recalibrated(rule, at, patient=np.arange(300, 801))
    np.testing.assert_allclose(found, np.clip(expected, 1 / 302, 301 / 302), atol=1e-9)
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_patients_it_was_fitted_on_are_refused_and_counted(method):
    label, score, patient = data()
    rule = fit_recalibration(method, label, score, patient=patient)
    with pytest.raises(InputError, match="2 of these patients"):
        recalibrated(rule, score[:4], patient=np.array([298, 299, 300, 301]))
    with pytest.raises(InputError, match="rows"):
        fit_recalibration(method, label[:0], score[:0], patient=patient[:0])


def test_what_cannot_be_fitted_is_nan():
    rule = fit_recalibration("logistic", np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9]), patient=np.arange(4))
    assert np.isnan(recalibrated(rule, np.array([0.5]), patient=np.array([9]))).all()
