"""Time to an event with censoring: C-indices, and what makes any statistic of two classes one at a horizon.

A row has a time, whether the event came then (else it was censored, at the earliest just after events of that time),
and a score that is higher where the event is expected earlier. At a horizon a row is a case (event by then), a control
(followed until then without one), or unknown (censored before). The unknown count nothing and the others the inverse
of their chance of not being censored before, from the Kaplan-Meier curve of censoring of the same draw (inverse
probability of censoring weights; Graf et al. 1999, Uno et al. 2007). With these as weights, the AUROC is the cumulative
/dynamic one, the share of cases is one minus the Kaplan-Meier curve, and the Brier score is Graf's.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from semeia.evaluation.shapes import Column, Mask, Numbers, Reals, Weights
from semeia.evaluation.statistics.group_sums import group_sums, ratio


@dataclass(frozen=True)
class FollowUp:
    """How long rows were followed."""

    event: Mask  # whether the event came at the end
    at: Numbers  # place of each row's time among the distinct times
    times: Float[np.ndarray, "times"]  # the distinct times, rising
    order: Numbers  # the rows in which a C-index is counted: by falling time, at the same time censored before events
    rank: Numbers  # place of each row's score among the distinct scores


def follow_up(time: Reals, event: Column, score: Reals) -> FollowUp:
    """Sort times and scores once for all draws."""
    event = np.asarray(event) > 0
    times, at = np.unique(time, return_inverse=True)
    rank = np.unique(score, return_inverse=True)[1]
    return FollowUp(event, at, times, np.lexsort((event, -at)), rank)


def cases_at(rows: FollowUp, horizon: float) -> Mask:
    """Which rows had the event by the horizon."""
    return rows.event & (rows.times[rows.at] <= horizon)


def uncensored(rows: FollowUp, weights: Weights) -> Float[np.ndarray, "draws times"]:
    """Chance of not being censored before each distinct time, in every draw (Kaplan-Meier; events come first)."""
    size = len(rows.times)
    each = group_sums(weights, rows.at + size * rows.event, groups=2 * size).reshape(-1, 2, size)
    censored, events = each[:, 0], each[:, 1]
    followed = np.cumsum((censored + events)[:, ::-1], axis=1)[:, ::-1]
    at_risk = followed - events
    stays = 1 - ratio(censored, at_risk, empty=0.0)
    return np.cumprod(np.column_stack([np.ones(len(weights)), stays[:, :-1]]), axis=1)


def weights_at(rows: FollowUp, weights: Weights, *, horizon: float) -> Float[np.ndarray, "draws n"]:
    """Weights of the rows of every draw at the horizon: of cases and controls by inverse probability, else zero."""
    free = uncensored(rows, weights)
    # a control was not censored before the horizon, whatever comes after it.
    until = min(int(np.searchsorted(rows.times, horizon)), len(rows.times) - 1)
    at = np.where(cases_at(rows, horizon), rows.at, until)
    known = cases_at(rows, horizon) | (rows.times[rows.at] >= horizon)
    chance = free[:, at]
    return ratio(weights, np.where(known, chance, 0.0), empty=0.0)


def c_index_draws(rows: FollowUp, weights: Weights, *, horizon: float | None = None) -> Float[np.ndarray, "draws 2"]:
    """Harrell's and Uno's C-index of every draw; NaN for a draw without a pair.

    A pair counts when the one with the event had it before the other's time ended; equal scores count one half.
    Uno's weights it by the inverse squared chance of being uncensored at that time (Uno et al. 2011); events after the
    horizon, if there is one, do not enter it.
    """
    from semeia.evaluation.statistics.draw_sums import add_concordant

    free = uncensored(rows, weights)[:, rows.at]
    enter = rows.event & (rows.times[rows.at] <= (np.inf if horizon is None else horizon))
    inverse = np.divide(1.0, free**2, out=np.zeros_like(free), where=enter & (free > 0))
    sums = np.zeros((4, len(weights)))
    drawn, factor = (np.ascontiguousarray(each.T, dtype=np.float64) for each in (weights, inverse))
    add_concordant(drawn, factor, rows.order, rows.at, rows.event, rows.rank, sums)
    return ratio(sums[[0, 2]], sums[[1, 3]]).T
