"""Simulate the calibration errors of scores that are right, and intervals that know them.

Labels are drawn anew with the scores as their probabilities. An error cannot be below zero, so even right scores have
one, and a bootstrap around it leans upwards: it would never hold zero.
"""

from collections.abc import Collection

import numpy as np
from jaxtyping import Float

from semeia.evaluation.cells import Fold
from semeia.evaluation.resampling import Draws
from semeia.evaluation.shapes import Rows
from semeia.evaluation.statistics.calibration_curve import (
    FlexibleCalibration,
    calibration_error_draws,
    flexible_calibration,
)
from semeia.evaluation.statistics.group_sums import group_sums
from semeia.evaluation.statistics.intervals import LEAST_DEFINED, percentile_interval
from semeia.evaluation.uncertainty import Interval, interval_of

SIMULATIONS = 200
BLOCK_ELEMENTS = 2**23
# Added to the method of an interval whose lower end may have been set to zero.
FROM_ZERO = "from 0 where scores that are right may show as much"


def errors_by_chance(folds: list[Fold], *, seed: int) -> Float[np.ndarray, "simulations 3"]:
    """ICI, E50 and E90 of simulated right scores, averaged over the folds; NaN where a fold has none."""
    rng = np.random.default_rng(seed)
    units = 1 + max(int(fold.unit.max()) for fold in folds)
    step = max(1, BLOCK_ELEMENTS // units)
    prepared = [_either_label(fold) for fold in folds]
    parts = []
    for start in range(0, SIMULATIONS, step):
        # one number a unit: folds that predict the same unit must meet the same label.
        uniform = rng.random((min(step, SIMULATIONS - start), units))
        errors = [_simulated(fold, each, uniform) for fold, each in zip(folds, prepared, strict=True)]
        parts.append(np.mean(errors, axis=0))
    return np.concatenate(parts)


def largest_by_chance(errors: Float[np.ndarray, "simulations"], *, level: float) -> float:
    """Upper end of the central range of simulated errors; minus infinity where most simulations have none."""
    if np.isnan(errors).mean() > 1 - LEAST_DEFINED:
        return -np.inf
    return percentile_interval(errors, level=level)[1]


def error_interval(
    draws: Draws, values: Rows, folds: Collection[Fold], errors: Float[np.ndarray, "simulations"]
) -> Interval:
    """Interval of a calibration error: that of its draws, from zero where chance gives right scores as much (`errors`).

    Where the test that the scores are right does not reject, zero belongs to the interval.
    """
    interval = interval_of(draws, values, folds, "calibration error")
    if interval.why_none:
        return interval
    by_chance = values[0] <= largest_by_chance(errors, level=draws.level)
    return Interval(0.0 if by_chance else interval.low, interval.high, f"{interval.method}; {FROM_ZERO}")


def _either_label(fold: Fold) -> FlexibleCalibration:
    """Of rows that stand twice, once with either label: points come in pairs, without and with the event."""
    label = np.repeat([0, 1], len(fold.score))
    rarer = int(min(fold.label.sum(), (1 - fold.label).sum()))
    return flexible_calibration(label, np.tile(fold.score, 2), rarer=rarer)


def _simulated(
    fold: Fold, prepared: FlexibleCalibration, uniform: Float[np.ndarray, "draws units"]
) -> Float[np.ndarray, "draws 3"]:
    positive = (uniform[:, fold.unit] < fold.score).astype(np.int16)
    assert prepared.group is not None
    pair = prepared.group[: len(fold.score)] // 2
    # a simulation takes one of the two of each row.
    size = np.bincount(pair)
    points = np.empty((len(positive), len(prepared.score)))
    points[:, 1::2] = group_sums(positive, pair, groups=len(size))
    points[:, ::2] = size - points[:, 1::2]
    return calibration_error_draws(prepared, points)
