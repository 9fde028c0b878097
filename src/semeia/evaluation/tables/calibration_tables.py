"""The tables of calibration: the smooth curve of every arm, and its measures.

`Judged` comes in. "calibration_curves" has a row a predicted probability: how often it came true. "calibration" has a
row a measure: the calibration errors, the ICI that chance alone gives to scores that are right, and the parts of the
Brier score. Both speak of every arm and mode at its largest label fraction; seeds that test different units are taken
together (pooling.py).
"""

from collections.abc import Callable

import numpy as np
import polars as pl
from jaxtyping import Float, Shaped

from semeia.evaluation.cells import Cell, Fold, concatenate
from semeia.evaluation.judged import Judged, Place
from semeia.evaluation.statistics.brier_parts import BRIER_PARTS, brier_parts_draws, score_bins
from semeia.evaluation.statistics.calibration_chance import SIMULATIONS, error_interval, errors_by_chance
from semeia.evaluation.statistics.calibration_curve import (
    CALIBRATION_ERRORS,
    calibration_curve_draws,
    calibration_error_draws,
    central_grid,
    flexible_calibration,
    point_weights,
)
from semeia.evaluation.statistics.intervals import LEAST_DEFINED, percentile_interval
from semeia.evaluation.summary import Row
from semeia.evaluation.tables.across_seeds import mean_over_seeds, mostly_defined
from semeia.evaluation.tables.pooling import pooled
from semeia.evaluation.tables.table_rows import (
    COUNT_COLUMNS,
    INTERVAL_COLUMNS,
    PLACE_COLUMNS,
    count_columns,
    place_columns,
)
from semeia.evaluation.uncertainty import interval_of

ENDS = INTERVAL_COLUMNS | COUNT_COLUMNS
CURVE_COLUMNS = PLACE_COLUMNS | {"predicted": pl.Float64, "observed": pl.Float64} | ENDS
MEASURE_COLUMNS = PLACE_COLUMNS | {"metric": pl.String, "value": pl.Float64} | ENDS
MEASURES = (*CALIBRATION_ERRORS, *BRIER_PARTS)

Statistic = Callable[[Shaped[np.ndarray, "draws n"]], Float[np.ndarray, "draws k"]]


def calibration_curves(judged: Judged) -> pl.DataFrame:
    """The table "calibration_curves": predicted, observed, and the pointwise interval of observed."""
    rows: list[Row] = []
    for place in judged.places:
        for cell, seeds in place.full.items():
            folds = pooled(seeds)
            grid = central_grid(concatenate(list(folds.values())).score)
            values = _values(place, folds, lambda fold, grid=grid: _curve(fold, grid))
            counts = count_columns(seeds)
            for column, predicted in enumerate(grid):
                found: Row = {"predicted": float(predicted), "observed": float(values[0, column])}
                rows += _row(judged, place, cell, counts, values[:, column], found, "calibration curve")
    return pl.DataFrame(rows, schema=CURVE_COLUMNS)


def calibration_measures(judged: Judged) -> pl.DataFrame:
    """The table "calibration": ici, e50, e90, and brier with its parts, scaled, and observed over expected.

    `ici_by_chance` is the mean ICI of simulated right scores, its `low` and `high` the central range of theirs: an
    ICI cannot be below zero, so even perfect scores have one, and one within that range shows no miscalibration.
    """
    rows: list[Row] = []
    for place in judged.places:
        for cell, seeds in place.full.items():
            values = _values(place, pooled(seeds), _measures)
            counts = count_columns(seeds)
            errors = errors_by_chance(list(pooled(seeds).values()), seed=judged.settings.seed)
            for column, metric in enumerate(MEASURES):
                found: Row = {"metric": metric, "value": float(values[0, column])}
                chance = errors[:, column] if metric in CALIBRATION_ERRORS else None
                rows += _row(judged, place, cell, counts, values[:, column], found, metric, chance)
            rows += _by_chance(place, cell, counts, errors[:, 0])
    return pl.DataFrame(rows, schema=MEASURE_COLUMNS)


def _curve(fold: Fold, grid: Float[np.ndarray, "grid"]) -> Statistic:
    prepared = flexible_calibration(fold.label, fold.score)
    return lambda weights: calibration_curve_draws(prepared, point_weights(prepared, weights), grid=grid)


def _measures(fold: Fold) -> Statistic:
    prepared, bin_of = flexible_calibration(fold.label, fold.score), score_bins(fold.score)
    return lambda weights: np.hstack(
        [
            calibration_error_draws(prepared, point_weights(prepared, weights)),
            brier_parts_draws(fold.label, fold.score, weights, bin_of=bin_of),
        ]
    )


def _by_chance(place: Place, cell: Cell, counts: dict[str, int], errors: Float[np.ndarray, "simulations"]) -> list[Row]:
    low, high = percentile_interval(errors, level=place.draws.level)
    if np.isnan(errors).mean() > 1 - LEAST_DEFINED:
        return []
    value: Row = {"metric": "ici_by_chance", "value": float(np.nanmean(errors)), "low": low, "high": high}
    method: Row = {"interval_method": f"{place.draws.level:.0%} of {SIMULATIONS} simulations of scores that are right"}
    return [place_columns(place, cell) | value | method | counts]


def _values(place: Place, folds: dict[int, Fold], prepare: Callable[[Fold], Statistic]) -> Float[np.ndarray, "rows k"]:
    """A statistic, prepared once a fold, averaged over the folds in every draw."""
    return mean_over_seeds(np.stack([place.draws.apply(fold.patient, prepare(fold)) for fold in folds.values()]))


def _row(
    judged: Judged,
    place: Place,
    cell: Cell,
    counts: dict[str, int],
    values: Float[np.ndarray, "rows"],
    found: Row,
    what: str,
    chance: Float[np.ndarray, "simulations"] | None = None,
) -> list[Row]:
    if not mostly_defined(values, place.draws):
        reason = f"{what} left out where it is undefined on the rows or in more than a tenth of the draws"
        judged.notes.add(reason, place.name(cell))
        return []
    folds = place.full[cell].values()
    if chance is None:
        interval = interval_of(place.draws, values, folds, what)
    else:
        interval = error_interval(place.draws, values, folds, chance)
    if interval.why_none:
        judged.notes.add(f"{what} left out, no interval: {interval.why_none.removeprefix('none: ')}", place.name(cell))
        return []
    return [place_columns(place, cell) | found | interval.columns() | counts]
