"""The sums of draw_loops.py by numpy alone, a row of all draws at a time: slower on long tables, no compiler needed."""

from itertools import pairwise
from typing import no_type_check

import numpy as np


@no_type_check
def add_sums(rows, group, values, sums):
    """Add `weight * value` of each row to the sums of its group."""
    for number in np.unique(group):
        mine = group == number
        # As the loops: a value of zero adds nothing, and one that is missing makes its own column missing.
        sums[number] += values[mine].T @ rows[mine].astype(np.float64)


@no_type_check
def add_ranked(rows, order, positive, last, sums):
    """Walk down the scores, and add up what the AUROC and the average precision are made of."""
    true, false, won, precision = sums
    tied_true, tied_false = np.zeros((2, rows.shape[1]))
    for row, is_positive, is_last in zip(order, positive, last, strict=True):
        tied = tied_true if is_positive else tied_false
        tied += rows[row]
        if is_last:
            won += tied_false * (true + 0.5 * tied_true)
            true += tied_true
            false += tied_false
            precision += tied_true * true / np.maximum(true + false, 1e-300)
            tied_true[:] = tied_false[:] = 0


@no_type_check
def first_passing(rows, order, positive, wanted_negatives, wanted_positives, missed_then, below_then):
    """Walk up the scores until so many negatives, or positives, are passed, and keep how many of the others are."""
    below, missed = np.zeros((2, rows.shape[1]))
    for row, is_positive in zip(order, positive, strict=True):
        weight = rows[row]
        if is_positive:
            passes = (missed + weight > wanted_positives) & (missed <= wanted_positives)
            below_then[passes] = np.broadcast_to(below, passes.shape)[passes]
            missed += weight
        else:
            passes = (below + weight >= wanted_negatives) & (below < wanted_negatives)
            missed_then[passes] = np.broadcast_to(missed, passes.shape)[passes]
            below += weight


@no_type_check
def add_concordant(rows, factor, order, at, event, rank, sums):
    """Walk down the times, and add up the pairs of an event and a row that was followed for longer."""
    longer = np.zeros((rank.max(initial=-1) + 1, rows.shape[1]))
    groups = np.flatnonzero(np.diff(2 * at[order] + event[order], prepend=-1, append=-1))
    for first, last in pairwise(groups):
        for row in order[first:last] if event[order[first]] else ():
            won = rows[row] * (longer[: rank[row]].sum(axis=0) + 0.5 * longer[rank[row]])
            pairs = rows[row] * longer.sum(axis=0)
            sums += np.stack([won, pairs, won * factor[row], pairs * factor[row]])
        np.add.at(longer, rank[order[first:last]], rows[order[first:last]])
