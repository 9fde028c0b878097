"""Compute the statistics of the families of estimands (estimands.py), each in one pass over the draws of a fold.

Arrays `[rows of the draws]` stand by name and place on a grid; the first entry is of the rows as they are; NaN where
it is undefined.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float

from semeia.evaluation.cells import Fold
from semeia.evaluation.resampling import Draws
from semeia.evaluation.settings import EvaluationSettings
from semeia.evaluation.shapes import DrawnColumns, Rows, Weights
from semeia.evaluation.statistics import multiclass
from semeia.evaluation.statistics.brier_parts import BRIER_PARTS, brier_parts_draws, score_bins
from semeia.evaluation.statistics.calibration import calibration, calibration_draws, like_rows
from semeia.evaluation.statistics.calibration_curve import (
    CALIBRATION_ERRORS,
    calibration_curve_draws,
    calibration_error_draws,
    flexible_calibration,
    ici_draws,
)
from semeia.evaluation.statistics.discrimination import (
    auroc_within_parts,
    brier_draws,
    ranked_draws,
    ranking,
    rankings_of_parts,
    weighted_mean,
    weighted_sums,
)
from semeia.evaluation.statistics.group_sums import ratio
from semeia.evaluation.statistics.net_benefit import net_benefit_draws, threshold_grid, treat_all_draws
from semeia.evaluation.statistics.operating_point import call_draws, fixed_points, predictive_values
from semeia.evaluation.statistics.survival import c_index_draws, cases_at, follow_up, weights_at
from semeia.evaluation.tables.across_seeds import remembered

# Name, and where on a grid it is taken (None: on none).
Key = tuple[str, float | None]
Values = dict[Key, Rows]


@dataclass(frozen=True, eq=False)
class Context:
    """What a statistic may ask for beside its rows."""

    draws: Draws  # of the cohort's patients
    settings: EvaluationSettings
    covariate: str | None = None  # whose added value is asked; None for none
    # at which predictive values are stated, or as drawn with its cohort; None for none
    prevalence: float | Rows | None = None
    grid: Float[np.ndarray, "grid"] | None = None  # predicted probabilities of the calibration curve


def _over(fold: Fold, draws: Draws, names: tuple[Key, ...], statistic: Callable[[Weights], np.ndarray]) -> Values:
    return dict(zip(names, draws.apply(fold.patient, statistic).T.copy(), strict=True))


def _keys(*names: str) -> tuple[Key, ...]:
    return tuple((name, None) for name in names)


@remembered
def ranked_values(fold: Fold, draws: Draws) -> Values:
    def statistic(weights: Weights) -> Float[np.ndarray, "draws 3"]:
        auroc, auprc = ranked_draws(fold.ranking, weights)
        return np.column_stack([auroc, auprc, brier_draws(fold.label, fold.score, weights)])

    return _over(fold, draws, _keys("auroc", "auprc", "brier"), statistic)


@remembered
def calibrated_values(fold: Fold, draws: Draws) -> Values:
    rows = like_rows(fold.label, fold.score)
    values = draws.apply(
        fold.patient, lambda weights: np.column_stack(calibration_draws(rows.label, rows.score, rows.weights(weights)))
    )
    # the draws are fitted in single precision; the rows as they are deserve better.
    values[0] = calibration(fold.label, fold.score)
    return dict(zip(_keys("calibration_intercept", "calibration_slope"), values.T.copy(), strict=True))


@remembered
def called_values(fold: Fold, draws: Draws) -> Values:
    names = _keys("sensitivity", "specificity")
    return _over(fold, draws, names, lambda weights: np.column_stack(call_draws(fold.label, fold.called, weights)))


@remembered
def gained_values(fold: Fold, draws: Draws) -> Float[np.ndarray, "rows 2"]:
    known = fold.with_covariate
    rankings = [rankings_of_parts(known.label, score, known.part) for score in (known.combined, known.alone)]

    def statistic(weights: Weights) -> Float[np.ndarray, "draws 2"]:
        together, alone = (auroc_within_parts(one, weights) for one in rankings)
        return np.column_stack([together, together - alone])

    return draws.apply(known.patient, statistic)


def gain_values(fold: Fold, context: Context) -> Values:
    """AUROC with the covariate, and its excess over the covariate alone."""
    if context.covariate is None:
        return {}
    names = _keys(f"auroc_with_{context.covariate}", f"auroc_gain_over_{context.covariate}")
    return dict(zip(names, gained_values(fold, context.draws).T, strict=True))


def observed_expected_values(fold: Fold, context: Context) -> Values:
    sums = np.column_stack([fold.label, fold.score])
    return _over(fold, context.draws, _keys("o_e"), lambda weights: ratio(*weighted_sums(sums, weights).T)[:, None])


def operating_values(fold: Fold, context: Context) -> Values:
    """What an arm does at fixed specificity or sensitivity, and what its calls mean at a prevalence."""
    points = context.settings.fixed_points
    names = tuple((name, at) for name in ("sensitivity_at_specificity", "specificity_at_sensitivity") for at in points)
    statistic = partial(fixed_points, fold.ranking, points=points)
    found = _over(fold, context.draws, names, lambda weights: np.hstack(statistic(weights)))
    if context.prevalence is not None:
        calls = predictive_values(*called_values(fold, context.draws).values(), prevalence=context.prevalence)
        found |= zip((("ppv", at := float(np.ravel(context.prevalence)[0])), ("npv", at)), calls, strict=True)
    return found


def errors_values(fold: Fold, context: Context) -> Values:
    prepared, bin_of = flexible_calibration(fold.label, fold.score), score_bins(fold.score)
    names = _keys(*CALIBRATION_ERRORS, "pooled_brier", *BRIER_PARTS[1:])

    def statistic(weights: Weights) -> DrawnColumns:
        errors = calibration_error_draws(prepared, prepared.weights(weights))
        return np.hstack([errors, brier_parts_draws(fold.label, fold.score, weights, bin_of=bin_of)])

    return _over(fold, context.draws, names, statistic)


def curve_values(fold: Fold, context: Context) -> Values:
    prepared, grid = flexible_calibration(fold.label, fold.score), context.grid
    assert grid is not None
    names = tuple(("calibration_curve", float(predicted)) for predicted in grid)
    statistic = partial(calibration_curve_draws, prepared, grid=grid)
    return _over(fold, context.draws, names, lambda weights: statistic(prepared.weights(weights)))


def decisions_values(fold: Fold, context: Context) -> Values:
    """Net benefit at every threshold, and what it is above treating all."""
    grid = threshold_grid(*context.settings.thresholds)
    names = tuple((name, float(at)) for name in ("net_benefit", "net_benefit_over_treat_all") for at in grid)

    def statistic(weights: Weights) -> Float[np.ndarray, "draws twice"]:
        benefit = net_benefit_draws(fold.label, fold.score, weights, thresholds=grid)
        return np.hstack([benefit, benefit - treat_all_draws(fold.label, weights, thresholds=grid)])

    return _over(fold, context.draws, names, statistic)


def recalibrated_values(fold: Fold, context: Context) -> Values:
    """What is left of the miscalibration of scores, recalibrated or not (recalibration.py)."""
    prepared = flexible_calibration(fold.label, fold.score)
    sums = np.column_stack([np.ones(len(fold.label)), fold.label, fold.score, (fold.score - fold.label) ** 2])

    def statistic(weights: Weights) -> Float[np.ndarray, "draws 5"]:
        points = prepared.weights(weights)
        fitted = calibration_draws(prepared.label, prepared.score, points)
        n, positive, expected, error = weighted_sums(sums, weights).T
        return np.column_stack([*fitted, ici_draws(prepared, points), ratio(error, n), ratio(positive, expected)])

    return _over(fold, context.draws, _keys("intercept", "slope", "ici", "brier", "o_e"), statistic)


@remembered
def compared_classes_values(fold: Fold, draws: Draws) -> Values:
    k = fold.classes.shape[1]
    present, called = multiclass.present_classes(fold.label, k), multiclass.called_class(fold.classes)

    def statistic(weights: Weights) -> Float[np.ndarray, "draws m"]:
        confusion = multiclass.confusion_draws(fold.label, called, weights, classes=k)
        return np.column_stack(
            [
                multiclass.macro_auroc_draws(fold.label, fold.classes, weights),
                multiclass.balanced_accuracy_draws(confusion, present),
                multiclass.quadratic_kappa_draws(confusion),
                multiclass.accuracy_draws(confusion),
                multiclass.macro_f1_draws(confusion, present),
                multiclass.recall_draws(confusion),
                multiclass.multiclass_brier_draws(fold.label, fold.classes, weights),
                multiclass.log_loss_draws(fold.label, fold.classes, weights),
                multiclass.grade_error_draws(confusion),
                multiclass.at_least_auroc_draws(fold.label, fold.classes, weights),
            ]
        )

    names = _keys(
        *("macro_auroc", "balanced_accuracy", "quadratic_kappa", "accuracy", "macro_f1"),
        *(f"recall_{number}" for number in range(k)),
        *("brier_classes", "log_loss", "grade_error"),
        *(f"auroc_at_least_{grade}" for grade in range(1, k)),
    )
    return _over(fold, draws, names, statistic)


def concordance_values(fold: Fold, context: Context) -> Values:
    statistic = partial(c_index_draws, follow_up(fold.time, fold.event, fold.score), horizon=context.settings.horizon)
    return _over(fold, context.draws, _keys("c_index", "c_index_uno"), statistic)


def at_horizon_values(fold: Fold, context: Context) -> Values:
    """AUROC, Brier score, observed over expected and net benefit at the horizon."""
    horizon = context.settings.horizon
    if horizon is None:
        return {}
    rows, grid = follow_up(fold.time, fold.event, fold.score), threshold_grid(*context.settings.thresholds)
    case = cases_at(rows, horizon)
    ranked = ranking(case, fold.score)

    def statistic(weights: Weights) -> DrawnColumns:
        known = weights_at(rows, weights, horizon=horizon)
        observed = weighted_mean(case.astype(np.float64), known)
        benefit = net_benefit_draws(case, fold.score, known, thresholds=grid)
        all_treated = treat_all_draws(case, known, thresholds=grid)
        own = [ranked_draws(ranked, known)[0], brier_draws(case, fold.score, known)]
        return np.column_stack(
            [*own, ratio(observed, weighted_mean(fold.score, weights)), benefit, benefit - all_treated]
        )

    names = [("auroc_at_horizon", None), ("brier_at_horizon", None), ("observed_expected_at_horizon", None)]
    names += [
        (f"{name}_at_horizon", float(at)) for name in ("net_benefit", "net_benefit_over_treat_all") for at in grid
    ]
    return _over(fold, context.draws, tuple(names), statistic)


def remembering(function: Callable[[Fold, Draws], Values]) -> Callable[[Fold, Context], Values]:
    return lambda fold, context: function(fold, context.draws)
