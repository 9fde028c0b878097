"""Rows in the order of their scores: sorted once, and walked through for any number of bootstrap draws.

Labels and scores `[n]` go in; `Ranking` comes out, and of it, given weights `[draws, n]`, what depends on the order
alone: AUROC and average precision. Ties are exact: a tied pair counts one half (AUROC, Hanley and McNeil 1982), tied
scores enter the precision together (AUPRC, as average precision).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from semeia.evaluation.shapes import Column, Drawn, Mask, Numbers, Weights
from semeia.evaluation.statistics.group_sums import ratio


@dataclass(frozen=True)
class Ranking:
    """Some rows by falling score, the negatives of tied ones first.

    Attributes:
        order: places of the rows.
        positive: of each, in that order.
        last: whether no further row has the same score.
    """

    order: Int[np.ndarray, "m"]
    positive: Bool[np.ndarray, "m"]
    last: Bool[np.ndarray, "m"]


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
    """AUROC over the pairs of rows of one part, in every draw; NaN for a draw without any.

    Args:
        rankings: what `rankings_of_parts` gives.
        weights: how often each row is in each draw.
    """
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
