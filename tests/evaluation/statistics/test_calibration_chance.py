"""Errors of simulated right scores against fits one at a time, and intervals that hold zero where they should."""

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from semeia.evaluation.cells import Fold
from semeia.evaluation.judged import judge
from semeia.evaluation.resampling import Draws
from semeia.evaluation.settings import EvaluationSettings
from semeia.evaluation.statistics.calibration_chance import (
    SIMULATIONS,
    error_interval,
    errors_by_chance,
    largest_by_chance,
)
from semeia.evaluation.statistics.calibration_curve import (
    calibration_error_draws,
    flexible_calibration,
)


def fold(n: int, *, slope: float = 1.0, shift: float = 0.0) -> Fold:
    """Scores whose true calibration is expit(slope * logit(score) + shift)."""
    rng = np.random.default_rng(3)
    odds = rng.normal(-0.5, 1.2, n)
    label = (rng.random(n) < expit(slope * odds + shift)).astype(np.int8)
    frame = pl.DataFrame({"subject_id": np.arange(n), "label": label, "score": expit(odds)})
    (place,) = judge(frame, settings=EvaluationSettings(draws=100, covariate=None)).places
    return next(iter(place.full.values()))[0]


def errors_of(label, score, weights):
    prepared = flexible_calibration(label, score)
    return calibration_error_draws(prepared, prepared.weights(weights))


def ici(one: Fold) -> float:
    return errors_of(one.label, one.score, np.ones((1, len(one.label))))[0, 0]


def test_equals_fits_to_simulated_labels_one_at_a_time():
    one = fold(150)
    found = errors_by_chance([one], seed=5)
    uniform = np.random.default_rng(5).random((SIMULATIONS, 150))
    for each in (0, 1, 2):
        label = (uniform[each] < one.score).astype(np.int8)
        expected = errors_of(label, one.score, np.ones((1, 150)))[0]
        np.testing.assert_allclose(found[each], expected, atol=4e-3)  # the knots of doubled rows stand a hair apart


def test_folds_that_predict_the_same_units_meet_the_same_labels():
    one = fold(150)
    np.testing.assert_array_equal(errors_by_chance([one, one], seed=0), errors_by_chance([one], seed=0))


@pytest.mark.parametrize(("slope", "shift", "right"), [(1.0, 0.0, True), (0.6, 0.4, False)])
def test_the_interval_holds_zero_where_the_scores_may_be_right(slope, shift, right):
    one = fold(400, slope=slope, shift=shift)
    chance = errors_by_chance([one], seed=0)[:, 0]
    assert (ici(one) <= largest_by_chance(chance, level=0.95)) == right
    draws = Draws(one.label > 0, 200)
    values = draws.apply(one.patient, lambda weights: errors_of(one.label, one.score, weights))[:, 0]
    interval = error_interval(draws, values, [one], chance)
    assert (interval.low == 0) == right
    assert interval.low <= values[0] <= interval.high


def test_right_scores_are_rejected_no_more_often_than_the_level_says():
    one = fold(200)
    draws = np.stack([errors_by_chance([one], seed=seed)[:, 0] for seed in range(20)])
    levels = [largest_by_chance(chance, level=0.95) for chance in draws]
    rates = [(other > level).mean() for level, other in zip(levels, np.roll(draws, 1, axis=0), strict=True)]
    assert 0.02 < np.mean(rates) < 0.06  # one pair of draws alone leaves it uncertain by .02


def test_without_simulations_nothing_is_known_of_chance():
    assert largest_by_chance(np.full(9, np.nan), level=0.95) == -np.inf
