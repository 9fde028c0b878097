"""Every metric of one fold of predictions of a binary outcome, in every bootstrap draw.

A `Fold` and the draws of its cohort's patients come in; arrays `[rows of the draws]` come out by metric name, the
first entry being the metric on the rows as they are, NaN wherever a metric is undefined.
"""

import numpy as np
from jaxtyping import Float, Shaped

from semeia.evaluation.cells import Fold
from semeia.evaluation.resampling import Draws
from semeia.evaluation.statistics.calibration import calibration, calibration_draws
from semeia.evaluation.statistics.discrimination import auprc_draws, auroc_draws, brier_draws, weighted_mean

COMPARED = ("auroc", "auprc", "brier")
# those at the carried threshold, which not every outcome has.
CARRIED = ("sensitivity", "specificity")

Values = dict[str, Float[np.ndarray, "rows"]]


def compared_metrics(fold: Fold, draws: Draws) -> Values:
    """AUROC, AUPRC and Brier: those of which paired differences are taken."""

    def statistic(weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws 3"]:
        functions = (auroc_draws, auprc_draws, brier_draws)
        return np.column_stack([function(fold.label, fold.score, weights) for function in functions])

    return by_name(COMPARED, draws.apply(fold.patient, statistic))


def absolute_metrics(fold: Fold, draws: Draws) -> Values:
    """Calibration, and sensitivity and specificity at the carried threshold."""
    positive = fold.label == 1

    def statistic(weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws 4"]:
        intercept, slope = calibration_draws(fold.label, fold.score, weights)
        sensitivity = weighted_mean(fold.called[positive], weights[:, positive])
        specificity = weighted_mean(1 - fold.called[~positive], weights[:, ~positive])
        return np.column_stack([intercept, slope, sensitivity, specificity])

    values = draws.apply(fold.patient, statistic)
    # the draws are fitted in single precision; the rows as they are deserve better.
    values[0, :2] = calibration(fold.label, fold.score)
    return by_name(("calibration_intercept", "calibration_slope", *CARRIED), values)


def gain_metrics(fold: Fold, draws: Draws, *, covariate: str) -> Values:
    """AUROC with the covariate, and its excess over the covariate alone. No covariate may be missing."""

    def statistic(weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws 2"]:
        together, alone = (auroc_draws(fold.label, score, weights) for score in (fold.combined, fold.alone))
        return np.column_stack([together, together - alone])

    names = (f"auroc_with_{covariate}", f"auroc_gain_over_{covariate}")
    return by_name(names, draws.apply(fold.patient, statistic))


def by_name(names: tuple[str, ...], values: Float[np.ndarray, "rows metrics"]) -> Values:
    """The columns of `values` by metric name."""
    return dict(zip(names, values.T.copy(), strict=True))
