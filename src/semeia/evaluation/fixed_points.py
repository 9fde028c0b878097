"""Sensitivity at a fixed specificity, and the reverse, for all bootstrap draws at once.

Labels, scores `[n]` and draw weights `[draws, n]` go in; one number a draw comes out. The threshold is found anew in
every draw, on the rows that are judged, so these say what a score can do at best; what it does at a threshold chosen
elsewhere is the carried sensitivity and specificity (carry.py).
"""

import numpy as np
from jaxtyping import Float, Shaped

# So that 0.9 of ten rows is nine of them in floating point, too.
SLACK = 1e-9


def sensitivity_at_specificity(
    label: Shaped[np.ndarray, "n"],
    score: Shaped[np.ndarray, "n"],
    weights: Shaped[np.ndarray, "draws n"],
    *,
    specificity: float,
) -> Float[np.ndarray, "draws"]:
    """The highest sensitivity of any threshold with at least this specificity.

    A row is called when its score is at or above the threshold; no interpolation between the points of the ROC curve.

    Args:
        label: 0/1 or boolean.
        score: higher means more likely positive.
        weights: how often each row is in each draw.
        specificity: wanted, in (0, 1].

    Returns:
        One value a draw; NaN for a draw that holds one class only.
    """
    positive = np.asarray(label, dtype=bool)
    negatives = np.flatnonzero(~positive)[np.argsort(score[~positive], kind="stable")]
    positives = np.flatnonzero(positive)[np.argsort(score[positive], kind="stable")]
    draws = np.arange(len(weights))
    below, missed = (_cumulative(weights[:, rows]) for rows in (negatives, positives))
    total_negative, total_positive = below[:, -1], missed[:, -1]
    both = (total_negative > 0) & (total_positive > 0)
    # the highest negative that must stay below the threshold; the positives above it are called.
    needed = specificity * total_negative - SLACK
    last = (below[:, 1:] < needed[:, None]).sum(axis=1).clip(max=max(0, len(negatives) - 1))
    up_to = np.searchsorted(score[positives], score[negatives], side="right")
    if not both.any():
        return np.full(len(weights), np.nan)
    called = total_positive - missed[draws, up_to[last]]
    return np.divide(called, total_positive, out=np.full(len(weights), np.nan), where=both)


def specificity_at_sensitivity(
    label: Shaped[np.ndarray, "n"],
    score: Shaped[np.ndarray, "n"],
    weights: Shaped[np.ndarray, "draws n"],
    *,
    sensitivity: float,
) -> Float[np.ndarray, "draws"]:
    """The highest specificity of any threshold with at least this sensitivity; as `sensitivity_at_specificity`."""
    turned = ~np.asarray(label, dtype=bool)
    return sensitivity_at_specificity(turned, -score, weights, specificity=sensitivity)


def _cumulative(weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws m"]:
    out = np.zeros((len(weights), weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=out[:, 1:])
    return out
