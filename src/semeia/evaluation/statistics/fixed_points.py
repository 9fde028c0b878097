"""Sensitivity at fixed specificities, and specificity at fixed sensitivities, for all bootstrap draws at once.

Ranked rows and draw weights `[draws, n]` go in; one number a draw and fixed point comes out. The threshold is found
anew in every draw, on the rows that are judged, so these say what a score can do at best; what it does at a threshold
chosen elsewhere is the carried sensitivity and specificity (carry.py).
"""

import numpy as np
from jaxtyping import Float, Shaped

from semeia.evaluation.statistics.discrimination import weighted_sums
from semeia.evaluation.statistics.ranking import Ranking

# So that 0.9 of ten rows is nine of them in floating point, too.
SLACK = 1e-9


def fixed_points(
    ranked: Ranking, weights: Shaped[np.ndarray, "draws n"], *, points: tuple[float, ...]
) -> tuple[Float[np.ndarray, "draws k"], Float[np.ndarray, "draws k"]]:
    """The highest sensitivity of any threshold with at least a given specificity, and the reverse.

    A row is called when its score is at or above the threshold; no interpolation between the points of the ROC curve.

    Args:
        ranked: the rows by their scores; higher means more likely positive.
        weights: how often each row is in each draw.
        points: wanted specificities, and wanted sensitivities, in (0, 1].

    Returns:
        Sensitivities at the specificities, and specificities at the sensitivities: a row a draw, a column a point; NaN
        for a draw that holds one class only.
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
    sensitivity, specificity = np.full((2, len(points), len(weights)), np.nan)
    both = (negatives > 0) & (positives > 0)
    np.divide(positives - missed, positives, out=sensitivity, where=both)
    np.divide(below, negatives, out=specificity, where=both)
    return sensitivity.T, specificity.T
