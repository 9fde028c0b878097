"""Evaluate the curves of conditions: the intensity of a code's events over the trailing window.

CRASH, completely random average shifted histograms (Lasko 2014; as in fast_intensity): each of 100 histograms has a
random number of bins whose edges are uniform in the *sequence* of events, at least `min_count` events apart; the
intensity is their mean. Only the bins that reach into the window are ever computed.

The time line: the grid's steps are the cells [0, 1), [1, 2), ... [length - 1, length); an event lies in the middle of
its cell and counts once a cell; a cell takes the density of the bin that holds its start. With fewer than twice
`min_count` events the intensity is constant, events / length.
"""

from typing import no_type_check

import numpy as np

from semeia.compiled import compiled
from semeia.signatures.draws import uniform

ITERATIONS = 100
MIN_COUNT = 10


@compiled
@no_type_check
def intensity_means(steps, first, last, start, end, window, key):
    """Mean intensity over the last `window` steps up to and including `end`, in events a step.

    Args:
        steps: distinct rising steps of events, curve after curve, int64 [knots].
        first: first event of each curve in `steps`, int64 [curves].
        last: last event seen by each curve, included, int64 [curves].
        start: first step of the grid, int64 [curves].
        end: step of the section, int64 [curves].
        key: key of the random draws, uint64 [curves].

    Returns:
        float64 [curves].
    """
    means = np.empty(first.size)
    most = 0
    for curve in range(first.size):
        most = max(most, last[curve] - first[curve] + 1)
    bounds = np.empty(most // MIN_COUNT + 2)
    for curve in range(first.size):
        events = last[curve] - first[curve] + 1
        length = end[curve] - start[curve] + 1
        if events < 2 * MIN_COUNT:
            means[curve] = events / length
            continue
        seen = steps[first[curve] : last[curve] + 1]
        opens = max(0, length - window)
        mean = 0.0
        for iteration in range(ITERATIONS):
            bins = _draw_bounds(bounds, events, key[curve], iteration)
            painted = _painted(bounds, bins, seen, start[curve], length, opens)
            mean += (painted / (length - opens) - mean) / (iteration + 1)
        means[curve] = mean
    return means


@compiled
@no_type_check
def _draw_bounds(bounds, events, key, iteration):
    """Fill `bounds` with the inner bin bounds of one histogram, in sequence space; return the number of bins."""
    counter = np.uint64(iteration) << np.uint64(32)
    bins = 1 + int(uniform(key, counter) * ((events + 1) // MIN_COUNT))
    free = 3 + events - MIN_COUNT * bins
    for inner in range(bins - 1):
        bounds[inner] = uniform(key, counter + np.uint64(1 + inner)) * free
    bounds[: bins - 1].sort()
    for inner in range(bins - 1):
        bounds[inner] += MIN_COUNT - 1 + inner * MIN_COUNT
    return bins


@compiled
@no_type_check
def _painted(bounds, bins, seen, start, length, opens):
    """Sum of one histogram's density over the cells from `opens` on, bin after bin from the right."""
    total = 0.0
    count_right, edge_right = seen.size, float(length)
    for right in range(bins - 1, -1, -1):
        count_left, edge_left = 0, 0.0
        if right > 0:
            count_left = int(bounds[right - 1])
            edge_left = _edge(bounds[right - 1], seen, start, length)
        cell_left = max(int(np.ceil(edge_left)), opens)
        cells = int(np.ceil(edge_right)) - cell_left
        if cells > 0:  # a bin between two starts of cells paints none
            total += cells * ((count_right - count_left) / (edge_right - edge_left))
        if cell_left <= opens:
            break
        count_right, edge_right = count_left, edge_left
    return total


@compiled
@no_type_check
def _edge(bound, seen, start, length):
    """A bound in sequence space on the time line: 0 is the start of the grid, 1 the first event, ... n + 1 the end."""
    before = int(bound)
    left = 0.0 if before == 0 else seen[before - 1] - start + 0.5
    right = float(length) if before == seen.size else seen[before] - start + 0.5
    return (right - left) * (bound - before) + left
