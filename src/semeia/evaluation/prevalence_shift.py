"""What a cohort's metrics would be at another prevalence: its classes weighted so that positives have that share.

AUROC stays as it is: it compares positives with negatives, however many there are. Calibration, the Brier score and the
predictive values do not. The weighting is right where only the prevalence differs and each class looks the same in both
places (label shift; Saerens et al. 2002); where the cases differ, too, part of a gap remains.
"""

import numpy as np
from jaxtyping import Float, Shaped

from semeia.evaluation.cells import Fold
from semeia.evaluation.discrimination import auroc_draws, weighted_mean
from semeia.evaluation.predictive_values import predictive_values

SHIFTED = ("auroc", "brier", "o_e", "ppv", "npv")


def shifted_metrics(
    fold: Fold, weights: Shaped[np.ndarray, "draws n"], *, prevalence: float
) -> Float[np.ndarray, "draws 5"]:
    """SHIFTED in every draw, at a given prevalence; NaN for a draw without one of the classes.

    `o_e` is the prevalence over the mean score; the predictive values are those of the calls at the carried threshold,
    NaN where there is none.
    """
    positive = fold.label == 1
    drawn = [weights[:, rows] for rows in (positive, ~positive)]
    shares = (prevalence, 1 - prevalence)
    error, score = (fold.score - fold.label) ** 2.0, fold.score

    def mean(value: Float[np.ndarray, "n"]) -> Float[np.ndarray, "draws"]:
        of_class = [weighted_mean(value[rows], w) for rows, w in zip((positive, ~positive), drawn, strict=True)]
        return shares[0] * of_class[0] + shares[1] * of_class[1]

    expected = mean(score)
    sensitivity = weighted_mean(fold.called[positive], drawn[0])
    specificity = weighted_mean(1 - fold.called[~positive], drawn[1])
    values = [
        auroc_draws(fold.label, score, weights),
        mean(error),
        np.divide(prevalence, expected, out=np.full(len(expected), np.nan), where=expected > 0),
        *predictive_values(sensitivity, specificity, prevalence=prevalence),
    ]
    return np.column_stack(values)
