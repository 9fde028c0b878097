"""Evaluate the curves of measurements: the mean of the interpolated curve over the window.

PCHIP, the monotone piecewise cubic (Fritsch and Butland 1984; derivatives as in scipy's PchipInterpolator), through one
value a step, drawn out flat to both ends of the grid by repeating the first and the last value there. The mean over the
grid's steps is taken in closed form, a sum of powers for each cubic piece, never step by step.
"""

from typing import no_type_check

import numpy as np

from semeia.compiled import compiled


@compiled
@no_type_check
def interpolation_means(steps, values, first, last, last_value, start, end, window):
    """Mean of each curve over the last `window` steps up to and including `end`.

    Args:
        steps: distinct rising steps of knots, curve after curve, int64 [knots].
        values: their values, float64 [knots].
        first: first knot of each curve, int64 [curves].
        last: last knot of each curve, included, int64 [curves].
        last_value: value of the last knot as it was known at the section's time, float64 [curves].
        start: first step of the grid, int64 [curves].
        end: step of the section, int64 [curves].

    Returns:
        float64 [curves], in the measurement's own unit.
    """
    means = np.empty(first.size)
    most = 0
    for curve in range(first.size):
        most = max(most, last[curve] - first[curve] + 1)
    x, v = np.empty(most + 2), np.empty(most + 2)
    for curve in range(first.size):
        if first[curve] == last[curve]:
            means[curve] = last_value[curve]
            continue
        opens = max(start[curve], end[curve] - window + 1)
        # Pieces left of the window are never built; one knot more than it needs gives the derivative at its left.
        begin = last[curve]
        while begin > first[curve] and steps[begin] > opens:
            begin -= 1
        begin = max(begin - 1, first[curve])
        knots = 0
        if begin == first[curve] and steps[begin] > start[curve]:
            x[0], v[0] = start[curve] - opens, values[begin]
            knots = 1
        for knot in range(begin, last[curve] + 1):
            x[knots], v[knots] = steps[knot] - opens, values[knot]
            knots += 1
        v[knots - 1] = last_value[curve]
        if steps[last[curve]] < end[curve]:
            x[knots], v[knots] = end[curve] - opens, last_value[curve]
            knots += 1
        means[curve] = _sum_from_zero(x, v, knots) / (end[curve] - opens + 1)
    return means


@compiled
@no_type_check
def _sum_from_zero(x, v, knots):
    """Sum of the curve through `knots` points over the whole numbers from 0 to the last x."""
    total = v[knots - 1]
    after = _derivative(x, v, knots, knots - 1)
    for left in range(knots - 2, -1, -1):
        if x[left + 1] <= 0:
            break
        width = x[left + 1] - x[left]
        slope = (v[left + 1] - v[left]) / width
        before = _derivative(x, v, knots, left)
        # v + before t + square t^2 + cube t^3, t from the left knot; then moved to the first whole number wanted.
        square = (3 * slope - 2 * before - after) / width
        cube = (before + after - 2 * slope) / (width * width)
        skipped = max(-x[left], 0.0)
        at = v[left] + skipped * (before + skipped * (square + skipped * cube))
        rise = before + skipped * (2 * square + 3 * skipped * cube)
        bend = square + 3 * skipped * cube
        n = width - skipped
        ones, squares = n * (n - 1) / 2, (n - 1) * n * (2 * n - 1) / 6
        total += n * at + ones * rise + squares * bend + ones * ones * cube
        after = before
    return total


@compiled
@no_type_check
def _derivative(x, v, knots, at):
    """PCHIP's derivative at a knot: a weighted harmonic mean of the slopes beside it, 0 where they disagree."""
    if knots == 2:
        return (v[1] - v[0]) / (x[1] - x[0])
    if at == 0 or at == knots - 1:
        near, far = (0, 1) if at == 0 else (knots - 2, knots - 3)
        return _end_derivative(
            x[near + 1] - x[near],
            x[far + 1] - x[far],
            (v[near + 1] - v[near]) / (x[near + 1] - x[near]),
            (v[far + 1] - v[far]) / (x[far + 1] - x[far]),
        )
    wide_left, wide_right = x[at] - x[at - 1], x[at + 1] - x[at]
    left, right = (v[at] - v[at - 1]) / wide_left, (v[at + 1] - v[at]) / wide_right
    if left == 0 or right == 0 or (left > 0) != (right > 0):
        return 0.0
    weight_left, weight_right = 2 * wide_right + wide_left, wide_right + 2 * wide_left
    return (weight_left + weight_right) / (weight_left / left + weight_right / right)


@compiled
@no_type_check
def _end_derivative(wide, wide_next, slope, slope_next):
    """PCHIP's one-sided derivative at an end, kept from overshooting."""
    derivative = ((2 * wide + wide_next) * slope - wide * slope_next) / (wide + wide_next)
    if slope == 0 or derivative == 0 or (derivative > 0) != (slope > 0):
        return 0.0
    if (slope > 0) != (slope_next > 0) and abs(derivative) > 3 * abs(slope):
        return 3 * slope
    return derivative
