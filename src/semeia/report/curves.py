"""The points of the two curves drawn from the predictions themselves: ROC and calibration.

Each takes the checked predictions of one arm, mode, fraction and cohort. The ROC is averaged over seeds as
the AUROC of the results is, its interval over draws of patients, not of rows.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from semeia.evaluation import patient_draws, roc_curve, roc_points

LIMITS = (2.5, 97.5)  # per cent
Z = 1.959964  # of a two-sided 95 % interval


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


def calibration(frame: pl.DataFrame, *, bins: int = 5) -> Curve | None:
    """Observed share of positives against the mean score, in bins of equally many rows (all seeds pooled).

    The interval is that of Wilson (1927) with the number of distinct patients in the bin for the number of
    observations: a bootstrap would give a bin without positives an interval of no width.

    Returns:
        None when there are fewer than five rows a bin.
    """
    score, label = frame["score"].to_numpy(), frame["label"].to_numpy().astype(float)
    if len(score) < 5 * bins:
        return None
    edges = np.unique(np.quantile(score, np.linspace(0, 1, bins + 1)))[1:-1]
    where = np.searchsorted(edges, score, side="right")
    subjects = frame["subject_id"].to_numpy()
    points = []
    for each in np.unique(where):
        rows = where == each
        share = float(label[rows].mean())
        points.append((score[rows].mean(), share, *_wilson(share, len(np.unique(subjects[rows])))))
    return Curve(*np.array(points).T)


def _wilson(share: float, n: int) -> tuple[float, float]:
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def _weights(frame: pl.DataFrame, *, draws: int, seed: int) -> Int[np.ndarray, "draws rows"]:
    return patient_draws(frame["subject_id"].to_numpy(), frame["label"].to_numpy(), draws=draws, seed=seed)
