"""What a cohort's metrics would be at another prevalence: its classes weighted so that positives have that share.

AUROC stays as it is: it compares positives with negatives, however many there are. Calibration, the Brier score and the
predictive values do not. The weighting is right where only the prevalence differs and each class looks the same in both
places (label shift; Saerens et al. 2002); where the cases differ, too, part of a gap remains.
"""

import numpy as np
from jaxtyping import Float, Shaped

from semeia.evaluation.cells import Fold
from semeia.evaluation.statistics.discrimination import ratio, weighted_sums
from semeia.evaluation.statistics.predictive_values import predictive_values

SHIFTED = ("auroc", "brier", "o_e", "ppv", "npv")


def class_means(fold: Fold, weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws 6"]:
    """What does not depend on the prevalence, in every draw; NaN for a draw without one of the classes.

    Of the positives and then of the negatives: the mean score, the mean squared error, and the share that
    the carried threshold calls rightly (NaN where there is none).
    """
    label, score = fold.label.astype(np.float64), fold.score
    error = (score - label) ** 2
    means = []
    for of_class, right in ((label, fold.called), (1 - label, 1 - fold.called)):
        columns = np.column_stack([of_class, of_class * score, of_class * error, of_class * right])
        total, *sums = weighted_sums(columns, weights).T
        means += [ratio(one, total) for one in sums]
    return np.column_stack(means)


def at_prevalence(
    auroc: Float[np.ndarray, "draws"],
    means: Float[np.ndarray, "draws 6"],
    prevalence: float | Float[np.ndarray, "draws"],
) -> Float[np.ndarray, "draws 5"]:
    """SHIFTED at a prevalence, stated or drawn, from the AUROC and what `class_means` gives.

    `o_e` is the prevalence over the mean score; the predictive values are those of the calls at the carried threshold.
    """
    score, error, sensitivity, other_score, other_error, specificity = means.T
    expected = prevalence * score + (1 - prevalence) * other_score
    values = [
        auroc,
        prevalence * error + (1 - prevalence) * other_error,
        ratio(np.broadcast_to(prevalence, expected.shape), expected),
        *predictive_values(sensitivity, specificity, prevalence=prevalence),
    ]
    return np.column_stack(values)
