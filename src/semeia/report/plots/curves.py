"""The points of the ROC curve drawn from the predictions themselves.

The checked predictions of one arm, mode, fraction and cohort come in. The curve is averaged over seeds as the AUROC of
the results is, its interval over draws of patients, not of rows.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from semeia.evaluation import patient_draws, roc_curve, roc_points

LIMITS = (2.5, 97.5)  # per cent


@dataclass(frozen=True)
class Curve:
    """Values with their 95 % interval at each x."""

    x: Float[np.ndarray, " points"]
    y: Float[np.ndarray, " points"]
    low: Float[np.ndarray, " points"]
    high: Float[np.ndarray, " points"]


def roc(frame: pl.DataFrame, *, draws: int = 200, seed: int = 0) -> Curve | None:
    """Sensitivity at each false positive rate, averaged over seeds, from (0, 0) to (1, 1).

    Args:
        frame: predictions of one cell in one cohort.
        draws: patient-bootstrap draws for the interval.
        seed: of the draws.

    Returns:
        None when no seed has both classes.
    """
    curve = roc_curve(frame)
    if curve.is_empty():
        return None
    grid = curve["false_positive_rate"].to_numpy()
    weights = _weights(frame, draws=draws, seed=seed)
    seeds, label, score = (frame[name].to_numpy() for name in ("seed", "label", "score"))
    heights = [[] for _ in range(draws)]
    for each in np.unique(seeds):
        rows = np.flatnonzero(seeds == each)
        for draw in range(draws):
            drawn = np.repeat(rows, weights[draw, rows])
            if 0 < label[drawn].sum() < len(drawn):
                false, true = roc_points(label[drawn], score[drawn])
                # Points at one false positive rate stand an instant apart, so that the top of a step is met.
                heights[draw].append(np.interp(grid + 1e-9, false + 1e-12 * np.arange(len(false)), true))
    means = np.stack([np.mean(found, axis=0) for found in heights if found])
    low, high = np.percentile(means, LIMITS, axis=0)
    return Curve(grid, curve["true_positive_rate"].to_numpy(), low, high)


def _weights(frame: pl.DataFrame, *, draws: int, seed: int) -> Int[np.ndarray, "draws rows"]:
    return patient_draws(frame["subject_id"].to_numpy(), frame["label"].to_numpy(), draws=draws, seed=seed)
