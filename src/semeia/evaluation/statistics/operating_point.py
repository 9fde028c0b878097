"""Where a score becomes a call: thresholds, what is called at them, and what a call means at another prevalence.

A prediction is called positive when its score is at or above the threshold. One threshold is cross-fitted on other
patients (cross_fit.py); at fixed specificities and sensitivities it is found anew in every draw, on the rows that are
judged, which says what a score can do at best.

AUROC does not depend on the prevalence: it compares positives with negatives, however many there are. Calibration, the
Brier score and the predictive values do. A cohort's metrics at another prevalence are those of its classes weighted so
that positives have that share, which is right where only the prevalence differs and each class looks the same in both
places (label shift; Saerens et al. 2002); where the cases differ, too, part of a gap remains.
"""

import numpy as np
from jaxtyping import Float

from semeia.evaluation.cells import Fold
from semeia.evaluation.shapes import Column, Drawn, DrawnColumns, Reals, Weights
from semeia.evaluation.statistics.discrimination import Ranking, weighted_sums
from semeia.evaluation.statistics.group_sums import ratio


def threshold_at_sensitivity(label: Column, score: Column, *, target: float = 0.9) -> float:
    """The highest score that, as threshold, still calls at least `target` of the positives."""
    positives = np.sort(score[np.asarray(label, dtype=bool)])[::-1]
    # the small slack keeps 0.9 * 10 from asking for ten positives through rounding.
    needed = int(np.ceil(target * len(positives) - 1e-9))
    return float(positives[max(needed, 1) - 1])


def threshold_by_youden(label: Column, score: Column) -> float:
    """The score with the largest sensitivity + specificity - 1 (Youden 1950); the highest of several such."""
    positive = np.asarray(label, dtype=bool)
    candidates = np.unique(score)[::-1]
    positives, negatives = np.sort(score[positive]), np.sort(score[~positive])
    sensitivity = 1 - np.searchsorted(positives, candidates, side="left") / len(positives)
    specificity = np.searchsorted(negatives, candidates, side="left") / len(negatives)
    return float(candidates[np.argmax(sensitivity + specificity)])


def call_draws(label: Column, called: Reals, weights: Weights) -> tuple[Drawn, Drawn]:
    """Sensitivity and specificity of calls in every draw; NaN for a draw without the class, or with a call of NaN."""
    positive = label > 0
    columns = [positive, np.where(positive, called, 0.0), ~positive, np.where(positive, 0.0, 1 - called)]
    positives, found, negatives, cleared = weighted_sums(np.column_stack(columns), weights).T
    return ratio(found, positives), ratio(cleared, negatives)


# So that 0.9 of ten rows is nine of them in floating point, too.
SLACK = 1e-9


def fixed_points(ranked: Ranking, weights: Weights, *, points: tuple[float, ...]) -> tuple[DrawnColumns, DrawnColumns]:
    """The highest sensitivity of any threshold with at least a given specificity, and the reverse.

    `points` are the wanted specificities, and sensitivities, in (0, 1]: a column each, a row a draw; NaN for a draw of
    one class. There is no interpolation between the points of the ROC curve.
    """
    from semeia.evaluation.statistics.draw_sums import first_passing, rows_first

    sides = np.zeros((weights.shape[1], 2))
    sides[ranked.order, ranked.positive.astype(np.int64)] = 1
    negatives, positives = weighted_sums(sides, weights).T
    at = np.array(points)[:, None]
    # the highest negative that must stay below the threshold; the positives up to it are missed.
    missed = np.zeros((len(points), len(weights)))
    # the highest positive that may be the threshold; the negatives below it are not called.
    below = np.zeros((len(points), len(weights)))
    order, positive = ranked.order[::-1].copy(), ranked.positive[::-1].copy()
    wanted = (at * negatives - SLACK, (1 - at) * positives + SLACK)
    first_passing(rows_first(weights), order, positive, *wanted, missed, below)
    found = ratio(positives - missed, np.where(negatives > 0, positives, 0.0))
    return found.T, ratio(below, np.where(positives > 0, negatives, 0.0)).T


def predictive_values(sensitivity: Drawn, specificity: Drawn, *, prevalence: float | Drawn) -> tuple[Drawn, Drawn]:
    """P(positive | called) and P(negative | not called) in every draw; NaN where nobody is called, or everybody.

    `prevalence` is the share of positives where the calls are to be used: stated, or that of each draw where it is
    estimated, too.
    """
    found, false = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    cleared, missed = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    return ratio(found, found + false), ratio(cleared, cleared + missed)


SHIFTED = ("auroc", "brier", "o_e", "ppv", "npv")


def class_means(fold: Fold, weights: Weights) -> Float[np.ndarray, "draws 6"]:
    """What does not depend on the prevalence, in every draw; NaN for a draw without one of the classes.

    Of the positives and then of the negatives: the mean score, the mean squared error, and the share that
    the cross-fitted threshold calls rightly (NaN where there is none).
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
    auroc: Drawn, means: Float[np.ndarray, "draws 6"], prevalence: float | Drawn
) -> Float[np.ndarray, "draws 5"]:
    """SHIFTED at a prevalence, stated or drawn, from the AUROC and what `class_means` gives.

    `o_e` is the prevalence over the mean score; predictive values are those of calls at the cross-fitted threshold.
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
