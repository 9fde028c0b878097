"""Sum over all rows in every draw, compiled; weights lie rows first, `[n, draws]`: inner loops run along draws."""

from typing import no_type_check

import numpy as np

from semeia.compiled import compiled


@compiled
@no_type_check
def add_sums(rows, group, values, sums):
    """Add `weight * value` of each row to the sums of its group.

    rows [n, draws]; group [n]; values [n, k]; sums [groups, k, draws], float64, zeros.
    """
    one = np.empty(rows.shape[1])
    for row in range(rows.shape[0]):
        # loops and full indices: numba makes twice as much of them as of slices.
        for draw in range(one.size):
            one[draw] = rows[row, draw]
        for column in range(values.shape[1]):
            value = values[row, column]
            if value != 0:
                for draw in range(one.size):
                    sums[group[row], column, draw] += value * one[draw]


@compiled
@no_type_check
def add_ranked(rows, order, positive, last, sums):
    """Walk down the scores, and add up what the AUROC and the average precision are made of.

    rows [n, draws]; order [m], the rows by falling score; positive [m] and last [m] in that order, `last` where no
    further row has the same score; sums [4, draws], float64, zeros: positives, negatives, pairs won (a tied pair counts
    one half), and precision summed over the positives.
    """
    true, false, won, precision = sums[0], sums[1], sums[2], sums[3]
    tied_true, tied_false = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    for place in range(order.size):
        row = rows[order[place]]
        if last[place] and (place == 0 or last[place - 1]):
            if positive[place]:
                for draw in range(row.size):
                    true[draw] += row[draw]
                    called = true[draw] + false[draw]
                    precision[draw] += row[draw] * true[draw] / (called if called > 0 else 1.0)
            else:
                for draw in range(row.size):
                    false[draw] += row[draw]
                    won[draw] += row[draw] * true[draw]
            continue
        tied = tied_true if positive[place] else tied_false
        for draw in range(row.size):
            tied[draw] += row[draw]
        if last[place]:
            for draw in range(row.size):
                won[draw] += tied_false[draw] * (true[draw] + 0.5 * tied_true[draw])
                true[draw] += tied_true[draw]
                false[draw] += tied_false[draw]
                called = true[draw] + false[draw]
                precision[draw] += tied_true[draw] * true[draw] / (called if called > 0 else 1.0)
            tied_true[:] = 0
            tied_false[:] = 0


@compiled
@no_type_check
def first_passing(rows, order, positive, wanted_negatives, wanted_positives, missed_then, below_then):
    """Walk up the scores until so many negatives, or positives, are passed, and keep how many of the others are.

    rows [n, draws]; order [m], the rows by rising score, the positives of tied ones first; positive [m]; the others
    [points, draws], float64. `missed_then` becomes the positives passed when the negatives first reach
    `wanted_negatives`, `below_then` the negatives passed before the positives first exceed `wanted_positives`; both
    must be reached in the end.
    """
    draws = rows.shape[1]
    below, missed = np.zeros(draws), np.zeros(draws)
    for place in range(order.size):
        row = rows[order[place]]
        if positive[place]:
            for draw in range(draws):
                missed[draw] += row[draw]
            for point in range(wanted_positives.shape[0]):
                wanted, then = wanted_positives[point], below_then[point]
                for draw in range(draws):
                    if missed[draw] > wanted[draw] and missed[draw] - row[draw] <= wanted[draw]:
                        then[draw] = below[draw]
        else:
            for draw in range(draws):
                below[draw] += row[draw]
            for point in range(wanted_negatives.shape[0]):
                wanted, then = wanted_negatives[point], missed_then[point]
                for draw in range(draws):
                    if below[draw] >= wanted[draw] and below[draw] - row[draw] < wanted[draw]:
                        then[draw] = missed[draw]


@compiled
@no_type_check
def add_concordant(rows, factor, order, at, event, rank, sums):
    """Walk down the times, and add up the pairs of an event and a row that was followed for longer.

    rows [n, draws]; factor [n, draws], by which a pair counts through its event; order [n], rows by falling time, at
    the same time those without an event first; at, event, rank [n], place of time, event, and place of score; sums [4,
    draws], float64, zeros: pairs won and pairs, then both times the factor. A tied pair counts one half.
    """
    draws = rows.shape[1]
    size = rank.max() + 1 if rank.size else 0
    # sums over the scores up to each, as a binary indexed tree (Fenwick 1994).
    tree = np.zeros((size + 1, draws))
    same, total = np.zeros((size, draws)), np.zeros(draws)
    below = np.empty(draws)
    first = 0
    while first < order.size:
        last = first
        while last < order.size and at[order[last]] == at[order[first]] and event[order[last]] == event[order[first]]:
            last += 1
        if event[order[first]]:
            for place in range(first, last):
                row = order[place]
                below[:] = 0
                node = rank[row]
                while node > 0:
                    for draw in range(draws):
                        below[draw] += tree[node, draw]
                    node -= node & -node
                for draw in range(draws):
                    won = rows[row, draw] * (below[draw] + 0.5 * same[rank[row], draw])
                    pairs = rows[row, draw] * total[draw]
                    sums[0, draw] += won
                    sums[1, draw] += pairs
                    sums[2, draw] += won * factor[row, draw]
                    sums[3, draw] += pairs * factor[row, draw]
        for place in range(first, last):
            row = order[place]
            for draw in range(draws):
                same[rank[row], draw] += rows[row, draw]
                total[draw] += rows[row, draw]
            node = rank[row] + 1
            while node <= size:
                for draw in range(draws):
                    tree[node, draw] += rows[row, draw]
                node += node & -node
        first = last
