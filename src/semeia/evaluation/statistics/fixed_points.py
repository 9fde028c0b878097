"""Sensitivity at fixed specificities, and specificity at fixed sensitivities, for all bootstrap draws at once.

Labels, scores `[n]` and draw weights `[draws, n]` go in; one number a draw and fixed point comes out. The threshold is
found anew in every draw, on the rows that are judged, so these say what a score can do at best; what it does at a
threshold chosen elsewhere is the carried sensitivity and specificity (carry.py).
"""

import numpy as np
from jaxtyping import Float, Int, Shaped

# So that 0.9 of ten rows is nine of them in floating point, too.
SLACK = 1e-9
# Elements of one [n, draws] temporary: small enough to stay in the processor's cache.
BLOCK_ELEMENTS = 2**17


def fixed_points(
    label: Shaped[np.ndarray, "n"],
    score: Shaped[np.ndarray, "n"],
    weights: Int[np.ndarray, "draws n"],
    *,
    points: tuple[float, ...],
) -> tuple[Float[np.ndarray, "draws k"], Float[np.ndarray, "draws k"]]:
    """The highest sensitivity of any threshold with at least a given specificity, and the reverse.

    A row is called when its score is at or above the threshold; no interpolation between the points of the ROC curve.

    Args:
        label: 0/1 or boolean.
        score: higher means more likely positive.
        weights: how often each row is in each draw.
        points: wanted specificities, and wanted sensitivities, in (0, 1].

    Returns:
        Sensitivities at the specificities, and specificities at the sensitivities: a row a draw, a column a point; NaN
        for a draw that holds one class only.
    """
    positive = np.asarray(label, dtype=bool)
    sensitivity, specificity = (np.full((len(weights), len(points)), np.nan) for _ in range(2))
    if positive.all() or not positive.any():
        return sensitivity, specificity
    negatives = np.flatnonzero(~positive)[np.argsort(score[~positive], kind="stable")]
    positives = np.flatnonzero(positive)[np.argsort(score[positive], kind="stable")]
    up_to = np.searchsorted(score[positives], score[negatives], side="right")
    under = np.searchsorted(score[negatives], score[positives], side="left")
    step = max(16, BLOCK_ELEMENTS // len(positive))
    for start in range(0, len(weights), step):
        block, weight = slice(start, start + step), weights[start : start + step].T
        below, missed = _cumulative(weight[negatives]), _cumulative(weight[positives])
        both, draws = (below[-1] > 0) & (missed[-1] > 0), np.arange(weight.shape[1])
        for column, point in enumerate(points):
            # the highest negative that must stay below the threshold; the positives above it are called.
            last = _first(below[1:], point * below[-1] - SLACK, or_equal=True)
            called = missed[-1] - missed[up_to[last], draws]
            np.divide(called, missed[-1], out=sensitivity[block, column], where=both)
            # the highest positive that may be the threshold; the negatives below it are not called.
            threshold = _first(missed[1:], (1 - point) * missed[-1] + SLACK, or_equal=False)
            np.divide(below[under[threshold], draws], below[-1], out=specificity[block, column], where=both)
    return sensitivity, specificity


def _first(
    rising: Int[np.ndarray, "n draws"], target: Float[np.ndarray, "draws"], *, or_equal: bool
) -> Int[np.ndarray, "draws"]:
    """The first row of each column above the column's target (or equal to it); the last where there is none."""
    low, high = np.zeros(len(target), dtype=np.int64), np.full(len(target), len(rising) - 1)
    columns = np.arange(len(target))
    for _ in range(len(rising).bit_length()):  # bisection, all columns together
        middle = (low + high) // 2
        values = rising[middle, columns]
        reached = values >= target if or_equal else values > target
        high, low = np.where(reached, middle, high), np.where(reached, low, np.minimum(middle + 1, high))
    return high


def _cumulative(weights: Int[np.ndarray, "n draws"]) -> Int[np.ndarray, "m draws"]:
    out = np.zeros((len(weights) + 1, weights.shape[1]), dtype=np.int32)
    np.cumsum(weights, axis=0, dtype=np.int32, out=out[1:])
    return out
