"""Every metric of one fold of predictions of a binary outcome, in every bootstrap draw.

A `Fold` and the draws of its cohort's patients come in; arrays `[rows of the draws]` come out by metric name, the
first entry being the metric on the rows as they are, NaN wherever a metric is undefined.
"""

import numpy as np
from jaxtyping import Float, Shaped

from semeia.evaluation.cells import Fold
from semeia.evaluation.remembered import remembered
from semeia.evaluation.resampling import Draws
from semeia.evaluation.statistics.calibration import calibration, calibration_draws, like_rows
from semeia.evaluation.statistics.discrimination import brier_draws
from semeia.evaluation.statistics.operating_point import call_draws
from semeia.evaluation.statistics.ranking import auroc_within_parts, ranked_draws, rankings_of_parts

COMPARED = ("auroc", "auprc", "brier")
# those at the carried threshold, which not every outcome has.
CARRIED = ("sensitivity", "specificity")

Values = dict[str, Float[np.ndarray, "rows"]]


@remembered
def compared_metrics(fold: Fold, draws: Draws) -> Values:
    """AUROC, AUPRC and Brier: those of which paired differences are taken."""

    def statistic(weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws 3"]:
        auroc, auprc = ranked_draws(fold.ranking, weights)
        return np.column_stack([auroc, auprc, brier_draws(fold.label, fold.score, weights)])

    return by_name(COMPARED, draws.apply(fold.patient, statistic))


@remembered
def absolute_metrics(fold: Fold, draws: Draws) -> Values:
    """Calibration, and sensitivity and specificity at the carried threshold."""
    rows = like_rows(fold.label, fold.score)

    def statistic(weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws 4"]:
        calibrated = calibration_draws(rows.label, rows.score, rows.weights(weights))
        return np.column_stack([*calibrated, *call_draws(fold.label, fold.called, weights)])

    values = draws.apply(fold.patient, statistic)
    # the draws are fitted in single precision; the rows as they are deserve better.
    values[0, :2] = calibration(fold.label, fold.score)
    return by_name(("calibration_intercept", "calibration_slope", *CARRIED), values)


def gain_metrics(fold: Fold, draws: Draws, *, covariate: str) -> Values:
    """AUROC with the covariate, and its excess over the covariate alone. No covariate may be missing."""
    names = (f"auroc_with_{covariate}", f"auroc_gain_over_{covariate}")
    return by_name(names, _gain(fold, draws))


@remembered
def _gain(fold: Fold, draws: Draws) -> Float[np.ndarray, "rows 2"]:
    rankings = [rankings_of_parts(fold.label, score, fold.part) for score in (fold.combined, fold.alone)]

    def statistic(weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws 2"]:
        together, alone = (auroc_within_parts(one, weights) for one in rankings)
        return np.column_stack([together, together - alone])

    return draws.apply(fold.patient, statistic)


def by_name(names: tuple[str, ...], values: Float[np.ndarray, "rows metrics"]) -> Values:
    """The columns of `values` by metric name."""
    return dict(zip(names, values.T.copy(), strict=True))
