"""AUROC, AUPRC and Brier score of all bootstrap draws at once; weights `[draws, n]` say how often each row was drawn.

Ties are exact: a tied pair counts one half (AUROC, Hanley and McNeil 1982), tied scores enter the precision together.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from semeia.errors import InputError
from semeia.evaluation.shapes import Column, Drawn, DrawnColumns, Mask, Numbers, Weights
from semeia.evaluation.statistics.group_sums import ratio, sums_by_group


def auroc(label: Column, score: Column) -> float:
    """Area under the ROC curve. `label` is 0/1 or boolean. InputError when only one class is there."""
    both_classes(label, "AUROC")
    return float(auroc_draws(label, score, np.ones((1, len(label))))[0])


def auprc(label: Column, score: Column) -> float:
    """Area under the precision-recall curve as average precision. InputError when only one class is there."""
    both_classes(label, "AUPRC")
    return float(ranked_draws(ranking(label, score), np.ones((1, len(label))))[1][0])


def brier(label: Column, score: Column) -> float:
    """Mean squared difference between probability and label; lower is better."""
    return float(brier_draws(label, score, np.ones((1, len(label))))[0])


def auroc_draws(label: Column, score: Column, weights: Weights) -> Drawn:
    """Weighted AUROC of every draw; NaN for a draw that holds one class only."""
    return ranked_draws(ranking(label, score), weights)[0]


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


def both_classes(label: Column, name: str) -> Mask:
    """Which rows are positive; InputError, for what is called `name`, where all are or none."""
    positive = np.asarray(label, dtype=bool)
    if positive.all() or not positive.any():
        raise InputError(f"{name} needs predictions of both classes; all {len(label)} labels are the same.")
    return positive


@dataclass(frozen=True)
class Ranking:
    """Some rows by falling score, the negatives of tied ones first."""

    order: Int[np.ndarray, "m"]  # places of the rows
    positive: Bool[np.ndarray, "m"]  # of each, in that order
    last: Bool[np.ndarray, "m"]  # whether no further row has the same score


def ranking(label: Column, score: Column, *, among: Mask | None = None) -> Ranking:
    """Rank the rows, or those `among` them; `label` is 0/1 or boolean."""
    positive = np.asarray(label, dtype=bool)
    rows = np.arange(len(score)) if among is None else np.flatnonzero(among)
    order = rows[np.lexsort((~positive[rows], score[rows]))[::-1]]
    ranked = score[order]
    return Ranking(order, positive[order], np.append(ranked[1:] != ranked[:-1], True)[: len(order)])


def ranked_draws(ranked: Ranking, weights: Weights) -> tuple[Drawn, Drawn]:
    """Weighted AUROC and average precision of every draw; NaN for a draw that holds one class only."""
    positives, negatives, won, precision = ranked_sums(ranked, weights)
    return ratio(won, positives * negatives), ratio(precision, np.where(negatives > 0, positives, 0.0))


def rankings_of_parts(label: Column, score: Column, part: Numbers) -> list[Ranking]:
    """The rows of each part by their scores: for scores that mean the same within a part only."""
    return [ranking(label, score, among=part == number) for number in np.unique(part)]


def auroc_within_parts(rankings: list[Ranking], weights: Weights) -> Drawn:
    """AUROC over the pairs of rows of one part (`rankings_of_parts`), in every draw; NaN for a draw without any."""
    won, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for ranked in rankings:
        positives, negatives, of_part, _ = ranked_sums(ranked, weights)
        won += of_part
        pairs += positives * negatives
    return ratio(won, pairs)


def ranked_sums(ranked: Ranking, weights: Weights) -> Float[np.ndarray, "4 draws"]:
    """Of every draw the positives, the negatives, the pairs won, and the precision summed over the positives."""
    from semeia.evaluation.statistics.draw_sums import add_ranked, rows_first

    sums = np.zeros((4, len(weights)))
    add_ranked(rows_first(weights), ranked.order, ranked.positive, ranked.last, sums)
    return sums
