"""Calibration intercept and slope against statsmodels, and of scores whose miscalibration is known."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit

from semeia.evaluation.statistics.calibration import (
    FEW_ROWS,
    calibration,
    calibration_draws,
    clipped_logit,
    like_rows,
)


def data(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    odds = rng.normal(-0.5, 1.2, n)
    return (rng.random(n) < expit(odds)).astype(np.int8), odds


def test_equals_statsmodels():
    label, odds = data(200)
    score = expit(1.5 * odds + 0.3)
    family = sm.families.Binomial()
    intercept = sm.GLM(label, np.ones((200, 1)), family=family, offset=logit(score)).fit().params[0]
    slope = sm.GLM(label, sm.add_constant(logit(score)), family=family).fit().params[1]
    assert calibration(label, score) == (pytest.approx(intercept, abs=1e-7), pytest.approx(slope, abs=1e-7))


def test_known_miscalibration_is_found():
    label, odds = data(40_000)
    assert calibration(label, expit(odds)) == (pytest.approx(0, abs=0.05), pytest.approx(1, abs=0.05))
    assert calibration(label, expit(2 * odds))[1] == pytest.approx(0.5, abs=0.03)
    assert calibration(label, expit(odds + 1))[0] == pytest.approx(-1, abs=0.05)


def test_draws_of_weights_one_equal_the_value():
    label, odds = data(120)
    intercept, slope = calibration_draws(label, expit(odds), np.ones((3, 120)))
    expected = calibration(label, expit(odds))
    np.testing.assert_allclose([intercept[1], slope[1]], expected, atol=1e-4)


def test_certain_scores_are_clipped_and_constant_ones_have_no_slope():
    assert np.isfinite(clipped_logit(np.array([0.0, 1.0]))).all()
    label = np.array([0, 1, 0, 1])
    intercept, slope = calibration(label, np.full(4, 0.5))
    assert intercept == pytest.approx(0, abs=1e-9)
    assert np.isnan(slope)


def test_like_rows_taken_together_give_the_draws_of_single_rows():
    label, odds = data(FEW_ROWS)
    score = expit(1.4 * odds + 0.2)
    score[:4] = [0.0, 1.0, 1e-5, 1e-5]  # a long range makes wide steps
    weights = np.random.default_rng(1).poisson(1, (6, len(label))).astype(np.int16)
    rows = like_rows(label, score)
    together = calibration_draws(rows.label, rows.score, rows.weights(weights))
    np.testing.assert_allclose(together, calibration_draws(label, score, weights), atol=1e-4)
    assert len(rows.score) < len(score) / 2
    np.testing.assert_allclose(rows.weights(weights).sum(axis=1), weights.sum(axis=1))


def test_few_rows_stay_as_they_are():
    label, odds = data(50)
    rows, weights = like_rows(label, odds), np.ones((2, 50))
    assert rows.label is label
    assert rows.weights(weights) is weights


def test_rows_of_one_score_are_two_points():
    rows = like_rows(np.arange(FEW_ROWS) % 2, np.full(FEW_ROWS, 0.3))
    np.testing.assert_allclose(rows.score, [0.3, 0.3])
    assert rows.label.tolist() == [0, 1]
