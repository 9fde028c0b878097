"""The flexible calibration curve against statsmodels, and calibration errors whose truth is known."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit

from semeia.evaluation.resampling import Draws
from semeia.evaluation.statistics.calibration_curve import (
    MOST_GROUPS,
    calibration_curve_draws,
    calibration_error_draws,
    central_grid,
    flexible_calibration,
    spline_basis,
    spline_knots,
)


def data(n: int, *, slope: float = 0.6, shift: float = 0.4, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and scores whose true calibration is expit(slope * logit(score) + shift)."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-0.5, 1.2, n)
    return (rng.random(n) < expit(slope * odds + shift)).astype(np.int8), expit(odds)


def by_statsmodels(label, score, weight, knots, at):
    def columns(values):
        return sm.add_constant(spline_basis(logit(values), knots), has_constant="add")

    fit = sm.GLM(label, columns(score), family=sm.families.Binomial(), freq_weights=weight).fit()
    return fit.predict(columns(at))


def errors_of(label, score):
    """Of the rows as they are."""
    prepared = flexible_calibration(label, score)
    return calibration_error_draws(prepared, prepared.weights(np.ones((1, len(label)))))[0]


def curve_of(label, score, grid):
    prepared = flexible_calibration(label, score)
    return calibration_curve_draws(prepared, prepared.weights(np.ones((1, len(label)))), grid=grid)[0]


@pytest.mark.parametrize(("n", "count"), [(150, 3), (400, 4), (1500, 5)])
def test_equals_statsmodels_in_every_draw(n, count):
    label, score = data(n)
    score = np.round(score, 3)  # ties
    weights = Draws(label, 4).apply(np.arange(n), lambda weights: weights)
    grid = central_grid(score)
    prepared = flexible_calibration(label, score)
    points = prepared.weights(weights)
    curve, error = calibration_curve_draws(prepared, points, grid=grid), calibration_error_draws(prepared, points)
    tolerance = 2e-3 if len(np.unique(score)) > MOST_GROUPS else 1e-4
    knots = spline_knots(logit(score), count=count)
    for draw, weight in enumerate(weights):
        np.testing.assert_allclose(curve[draw], by_statsmodels(label, score, weight, knots, grid), atol=tolerance)
        apart = np.repeat(np.abs(by_statsmodels(label, score, weight, knots, score) - score), weight.astype(int))
        expected = [apart.mean(), *np.quantile(apart, [0.5, 0.9])]
        np.testing.assert_allclose(error[draw], expected, atol=tolerance)


def test_known_miscalibration_is_found():
    label, score = data(60_000)
    error = np.abs(expit(0.6 * logit(score) + 0.4) - score)
    found = errors_of(label, score)
    np.testing.assert_allclose(found, [error.mean(), *np.quantile(error, [0.5, 0.9])], atol=0.006)
    label, score = data(60_000, slope=1.0, shift=0.0)
    assert errors_of(label, score)[0] < 0.006


def test_grouping_neighbours_moves_little(monkeypatch):
    label, score = data(4000)
    grid = central_grid(score)
    grouped = curve_of(label, score, grid)
    monkeypatch.setattr("semeia.evaluation.statistics.calibration_curve.MOST_GROUPS", 10_000)
    assert len(flexible_calibration(label, score).score) == 4000
    np.testing.assert_allclose(grouped, curve_of(label, score, grid), atol=5e-4)


def test_few_distinct_scores_are_fitted_by_a_line_and_one_by_its_share():
    label = np.array([0, 0, 1, 0, 1, 1, 0, 1], dtype=np.int8)
    two = np.array([0.2, 0.2, 0.2, 0.2, 0.7, 0.7, 0.7, 0.7])
    np.testing.assert_allclose(curve_of(label, two, np.array([0.2, 0.7])), [0.25, 0.75], atol=1e-5)
    np.testing.assert_allclose(errors_of(label, np.full(8, 0.8)), 0.3, atol=1e-5)


def test_a_draw_without_a_spline_falls_back_and_a_separated_one_has_no_curve():
    label, score = data(60)
    prepared, grid = flexible_calibration(label, score), np.array([0.3, 0.5])
    few = np.zeros((1, 60))
    # a draw of two scores: one positive and one negative at either.
    low, high = np.flatnonzero(label == 0)[:2], np.flatnonzero(label == 1)[:2]
    few[0, [*low, *high]] = 1
    overlapping = score[low].min() < score[high].max() and score[high].min() < score[low].max()
    assert overlapping
    assert np.isfinite(calibration_curve_draws(prepared, prepared.weights(few), grid=grid)).all()
    separated = np.zeros((1, 60))
    separated[0, [np.argmin(np.where(label == 0, score, 2)), np.argmax(np.where(label == 1, score, -1))]] = 1
    points = prepared.weights(separated)
    assert np.isnan(calibration_curve_draws(prepared, points, grid=grid)).all()
    assert np.isnan(calibration_error_draws(prepared, points)).all()


def test_one_class_and_empty_draws_have_no_error():
    label, score = data(60)
    prepared = flexible_calibration(label, score)
    weights = np.vstack([label == 1, np.zeros(60)]).astype(float)
    assert np.isnan(calibration_error_draws(prepared, prepared.weights(weights))).all()


def test_the_grid_is_the_central_part_of_the_scores():
    grid = central_grid(np.linspace(0, 1, 1001), points=5)
    np.testing.assert_allclose(grid[[0, -1]], [0.025, 0.975])
    assert central_grid(np.full(9, 0.4)).tolist() == [0.4]
