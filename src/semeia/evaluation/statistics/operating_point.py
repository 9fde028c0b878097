"""Where a score becomes a call: a threshold chosen on some predictions and carried to others.

A prediction is called positive when its score is at or above the threshold. Thresholds are always chosen on
other patients than those they are judged on (see carry.py).
"""

import numpy as np
from jaxtyping import Float, Shaped

from semeia.evaluation.statistics.discrimination import ratio, weighted_sums


def threshold_at_sensitivity(
    label: Shaped[np.ndarray, "n"], score: Shaped[np.ndarray, "n"], *, target: float = 0.9
) -> float:
    """The highest score that, as threshold, still calls at least `target` of the positives."""
    positives = np.sort(score[np.asarray(label, dtype=bool)])[::-1]
    # the small slack keeps 0.9 * 10 from asking for ten positives through rounding.
    needed = int(np.ceil(target * len(positives) - 1e-9))
    return float(positives[max(needed, 1) - 1])


def threshold_by_youden(label: Shaped[np.ndarray, "n"], score: Shaped[np.ndarray, "n"]) -> float:
    """The score with the largest sensitivity + specificity - 1 (Youden 1950); the highest of several such."""
    positive = np.asarray(label, dtype=bool)
    candidates = np.unique(score)[::-1]
    positives, negatives = np.sort(score[positive]), np.sort(score[~positive])
    sensitivity = 1 - np.searchsorted(positives, candidates, side="left") / len(positives)
    specificity = np.searchsorted(negatives, candidates, side="left") / len(negatives)
    return float(candidates[np.argmax(sensitivity + specificity)])


def call_draws(
    label: Shaped[np.ndarray, "n"], called: Float[np.ndarray, "n"], weights: Shaped[np.ndarray, "draws n"]
) -> tuple[Float[np.ndarray, "draws"], Float[np.ndarray, "draws"]]:
    """Sensitivity and specificity of calls in every draw; NaN for a draw without the class, or with calls unknown.

    Args:
        label: 0 or 1.
        called: 1 or 0; NaN where nobody knows.
        weights: how often each row is in each draw.
    """
    positive = label > 0
    columns = [positive, np.where(positive, called, 0.0), ~positive, np.where(positive, 0.0, 1 - called)]
    positives, found, negatives, cleared = weighted_sums(np.column_stack(columns), weights).T
    return ratio(found, positives), ratio(cleared, negatives)
