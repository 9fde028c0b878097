"""AUROC, AUPRC and Brier score of one set of predictions, and of all its bootstrap draws at once.

Labels and scores `[n]` go in; a number comes out, or, given `weights [draws, n]` (how often each row was drawn), one
number a draw. What is asked of the same rows in many blocks of draws is ranked once (ranking.py).
"""

import numpy as np
from jaxtyping import Shaped

from semeia.errors import InputError
from semeia.evaluation.shapes import Column, Drawn, DrawnColumns, Weights
from semeia.evaluation.statistics.group_sums import ratio, sums_by_group
from semeia.evaluation.statistics.ranking import ranked_draws, ranking


def auroc(label: Column, score: Column) -> float:
    """Area under the ROC curve. `label` is 0/1 or boolean. InputError when only one class is there."""
    _need_both(label, "AUROC")
    return float(auroc_draws(label, score, np.ones((1, len(label))))[0])


def auprc(label: Column, score: Column) -> float:
    """Area under the precision-recall curve as average precision. InputError when only one class is there."""
    _need_both(label, "AUPRC")
    return float(auprc_draws(label, score, np.ones((1, len(label))))[0])


def brier(label: Column, score: Column) -> float:
    """Mean squared difference between probability and label; lower is better."""
    return float(brier_draws(label, score, np.ones((1, len(label))))[0])


def auroc_draws(label: Column, score: Column, weights: Weights) -> Drawn:
    """Weighted AUROC of every draw; NaN for a draw that holds one class only."""
    return ranked_draws(ranking(label, score), weights)[0]


def auprc_draws(label: Column, score: Column, weights: Weights) -> Drawn:
    """Weighted average precision of every draw; NaN for a draw that holds one class only."""
    return ranked_draws(ranking(label, score), weights)[1]


def brier_draws(label: Column, score: Column, weights: Weights) -> Drawn:
    """Weighted Brier score of every draw; NaN for a draw that holds none of these rows."""
    return weighted_mean((score - label) ** 2.0, weights)


def weighted_mean(value: Column, weights: Weights) -> Drawn:
    """Mean of `value` in every draw; NaN for a draw that holds none of these rows."""
    total, sums = weighted_sums(np.column_stack([np.ones(len(value)), value]), weights).T
    return ratio(sums, total)


def weighted_sums(values: Shaped[np.ndarray, "n k"], weights: Weights) -> DrawnColumns:
    """Sums of several values in every draw, in one pass: cheaper than as many means."""
    return sums_by_group(weights, np.zeros(len(values), dtype=np.int64), values, groups=1)[0].T


def _need_both(label: Column, name: str) -> None:
    positive = np.asarray(label, dtype=bool)
    if positive.all() or not positive.any():
        raise InputError(f"{name} needs predictions of both classes; all {len(label)} labels are the same.")
