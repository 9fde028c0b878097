"""Where a score becomes a call: a threshold chosen on some predictions and carried to others.

A prediction is called positive when its score is at or above the threshold. Thresholds are always chosen on
other patients than those they are judged on (see carry.py).
"""

import numpy as np
from jaxtyping import Shaped


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
