"""Every metric of one fold of predictions, in every bootstrap draw.

A `Fold` and the draw weights of its patients come in; arrays `[1 + draws]` come out by metric name, the first
entry being the metric on the rows as they are (weights of one), NaN wherever a metric is undefined.
"""

import numpy as np
from jaxtyping import Float, Shaped

from semeia.evaluation.calibration import calibration, calibration_draws
from semeia.evaluation.cells import Fold
from semeia.evaluation.discrimination import auprc_draws, auroc_draws, brier_draws, weighted_mean

COMPARED = ("auroc", "auprc", "brier")


def compared_metrics(
    fold: Fold, weights: Shaped[np.ndarray, "draws patients"]
) -> dict[str, Float[np.ndarray, "draws"]]:
    """AUROC, AUPRC and Brier: those of which paired differences are taken."""
    drawn = row_weights(fold, weights)
    functions = (auroc_draws, auprc_draws, brier_draws)
    return {name: function(fold.label, fold.score, drawn) for name, function in zip(COMPARED, functions, strict=True)}


def absolute_metrics(
    fold: Fold, weights: Shaped[np.ndarray, "draws patients"]
) -> dict[str, Float[np.ndarray, "draws"]]:
    """Calibration, and sensitivity and specificity at the carried threshold."""
    drawn = row_weights(fold, weights)
    intercept, slope = calibration_draws(fold.label, fold.score, drawn)
    intercept[0], slope[0] = calibration(fold.label, fold.score)
    positive = fold.label == 1
    return {
        "calibration_intercept": intercept,
        "calibration_slope": slope,
        "sensitivity": weighted_mean(fold.called[positive], drawn[:, positive]),
        "specificity": weighted_mean(1 - fold.called[~positive], drawn[:, ~positive]),
    }


def gain_metrics(
    fold: Fold, weights: Shaped[np.ndarray, "draws patients"], *, covariate: str
) -> dict[str, Float[np.ndarray, "draws"]]:
    """AUROC with the covariate, and its excess over the covariate alone. No covariate may be missing."""
    drawn = row_weights(fold, weights)
    together = auroc_draws(fold.label, fold.combined, drawn)
    alone = auroc_draws(fold.label, fold.alone, drawn)
    return {f"auroc_with_{covariate}": together, f"auroc_gain_over_{covariate}": together - alone}


def row_weights(fold: Fold, weights: Shaped[np.ndarray, "draws patients"]) -> Shaped[np.ndarray, "draws n"]:
    """The draws of each row: those of its patient."""
    return weights.T[fold.patient].T
