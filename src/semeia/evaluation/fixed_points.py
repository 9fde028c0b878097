"""Sensitivity at fixed specificities, and the reverse, for all bootstrap draws at once.

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


def sensitivity_at_specificity(
    label: Shaped[np.ndarray, "n"],
    score: Shaped[np.ndarray, "n"],
    weights: Shaped[np.ndarray, "draws n"],
    *,
    specificities: tuple[float, ...],
) -> Float[np.ndarray, "draws k"]:
    """The highest sensitivity of any threshold with at least the specificity, for each of `specificities`.

    A row is called when its score is at or above the threshold; no interpolation between the points of the ROC curve.

    Args:
        label: 0/1 or boolean.
        score: higher means more likely positive.
        weights: how often each row is in each draw.
        specificities: wanted, in (0, 1].

    Returns:
        A row a draw, a column a specificity; NaN for a draw that holds one class only.
    """
    positive = np.asarray(label, dtype=bool)
    out = np.full((len(weights), len(specificities)), np.nan)
    if positive.all() or not positive.any():
        return out
    negatives = np.flatnonzero(~positive)[np.argsort(score[~positive], kind="stable")]
    positives = np.flatnonzero(positive)[np.argsort(score[positive], kind="stable")]
    up_to = np.searchsorted(score[positives], score[negatives], side="right")
    step = max(16, BLOCK_ELEMENTS // len(label))
    for start in range(0, len(weights), step):
        weight = weights[start : start + step].T
        below, missed = _cumulative(weight[negatives]), _cumulative(weight[positives])
        both = (below[-1] > 0) & (missed[-1] > 0)
        for column, specificity in enumerate(specificities):
            # the highest negative that must stay below the threshold; the positives above it are called.
            last = _first_at_least(below[1:], specificity * below[-1] - SLACK)
            called = missed[-1] - missed[up_to[last], np.arange(len(last))]
            np.divide(called, missed[-1], out=out[start : start + step, column], where=both)
    return out


def specificity_at_sensitivity(
    label: Shaped[np.ndarray, "n"],
    score: Shaped[np.ndarray, "n"],
    weights: Shaped[np.ndarray, "draws n"],
    *,
    sensitivities: tuple[float, ...],
) -> Float[np.ndarray, "draws k"]:
    """The highest specificity of any threshold with at least the sensitivity; as `sensitivity_at_specificity`."""
    turned = ~np.asarray(label, dtype=bool)
    return sensitivity_at_specificity(turned, -score, weights, specificities=sensitivities)


def _first_at_least(
    rising: Float[np.ndarray, "n draws"], target: Float[np.ndarray, "draws"]
) -> Int[np.ndarray, "draws"]:
    """The first row of each column that reaches the column's target: bisection, all columns together."""
    low, high = np.zeros(len(target), dtype=np.int64), np.full(len(target), len(rising) - 1)
    columns = np.arange(len(target))
    for _ in range(len(rising).bit_length()):
        middle = (low + high) // 2
        reached = rising[middle, columns] >= target
        high, low = np.where(reached, middle, high), np.where(reached, low, np.minimum(middle + 1, high))
    return high


def _cumulative(weights: Shaped[np.ndarray, "n draws"]) -> Float[np.ndarray, "m draws"]:
    out = np.zeros((len(weights) + 1, weights.shape[1]))
    np.cumsum(weights, axis=0, out=out[1:])
    return out
