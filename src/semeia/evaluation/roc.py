"""Trace ROC curves for drawing: one a cell and cohort, averaged over seeds.

Curves of several seeds are averaged vertically, at each false positive rate of a fixed grid (Fawcett 2006).
"""

import numpy as np
import polars as pl
from jaxtyping import Float

from semeia.evaluation.schema import CELL, time_to_event
from semeia.evaluation.shapes import Column

_KEYS = [*CELL, "cohort"]
CURVE_COLUMNS: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(_KEYS, pl.String),
    **dict.fromkeys(("fraction", "false_positive_rate", "true_positive_rate"), pl.Float64),
    "seeds": pl.Int64,
}


def roc_points(label: Column, score: Column) -> tuple[Float[np.ndarray, "points"], Float[np.ndarray, "points"]]:
    """False and true positive rates from (0, 0) to (1, 1), a point for each score; both classes needed."""
    positive = np.asarray(label, dtype=bool)
    thresholds = np.unique(score)[::-1]
    rates = []
    for scores in (np.sort(score[~positive]), np.sort(score[positive])):
        called = len(scores) - np.searchsorted(scores, thresholds, side="left")
        rates.append(np.concatenate([[0.0], called / len(scores)]))
    return rates[0], rates[1]


def roc_curve(predictions: pl.DataFrame, *, points: int = 101) -> pl.DataFrame:
    """Curves (CURVE_COLUMNS, from (0, 0) to (1, 1)) of every study, outcome, arm, mode, fraction and cohort.

    `predictions` are as `check_predictions` returns them, `points` the size of the grid of false positive rates. Seeds
    whose rows are of one class do not enter; a cell with none left has no curve.
    """
    grid = np.linspace(0.0, 1.0, points)
    parts = []
    # outcomes of several classes have no single score, and times to an event no curve without a horizon.
    scored = predictions.filter(pl.col("score").is_not_null(), not time_to_event(predictions))
    for key, rows in scored.group_by(_KEYS, maintain_order=True):
        heights = [
            _on_grid(*roc_points(fold["label"].to_numpy(), fold["score"].to_numpy()), grid)
            for fold in rows.partition_by("seed", maintain_order=True)
            if fold["label"].n_unique() == 2
        ]
        if heights:
            rates = {
                "false_positive_rate": np.concatenate([[0.0], grid]),
                "true_positive_rate": np.concatenate([[0.0], np.mean(heights, axis=0)]),
            }
            fixed = dict(zip(_KEYS, key, strict=True)) | {"seeds": len(heights)}
            parts.append(pl.DataFrame(fixed | rates, schema=CURVE_COLUMNS))
    return pl.concat(parts) if parts else pl.DataFrame(schema=CURVE_COLUMNS)


def _on_grid(
    false: Float[np.ndarray, "points"], true: Float[np.ndarray, "points"], grid: Float[np.ndarray, "grid"]
) -> Float[np.ndarray, "grid"]:
    # a vertical piece has several heights at one rate: the highest counts there, the lowest just before.
    nudge = np.arange(len(false)) * 1e-12
    last = np.append(false[1:] != false[:-1], True)
    at = np.searchsorted(false[last], grid)
    exact = false[last][at] == grid
    return np.where(exact, true[last][at], np.interp(grid, false + nudge, true))
