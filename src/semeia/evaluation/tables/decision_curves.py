"""The table of decision curves: net benefit of every arm, of treating all and of treating nobody.

`Judged` comes in; "decision_curves" goes out, a row a threshold. `strategy` says who is treated: `model` (those whose
score reaches the threshold), `treat_all` or `treat_none`. `reference` is empty for a net benefit, else what is
subtracted, paired: `treat_all`, or an arm of the references. Treating all is counted on all units of the cohort, its
difference from an arm on the units of that arm.
"""

from collections.abc import Callable

import numpy as np
import polars as pl
from jaxtyping import Float, Shaped

from semeia.evaluation.cells import Cell, Fold, concatenate, same_units
from semeia.evaluation.judged import Judged, Place
from semeia.evaluation.references import reference_cell
from semeia.evaluation.statistics.net_benefit import net_benefit_draws, threshold_grid, treat_all_draws
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
from semeia.evaluation.uncertainty import Interval, interval_of

NO_ARM = Cell("", "", 1.0)
OWN: dict[str, type[pl.DataType]] = {
    "strategy": pl.String,
    "reference": pl.String,
    "threshold": pl.Float64,
    "net_benefit": pl.Float64,
}
DECISION_COLUMNS = PLACE_COLUMNS | OWN | INTERVAL_COLUMNS | COUNT_COLUMNS

Grid = Float[np.ndarray, "thresholds"]
Values = Float[np.ndarray, "rows thresholds"]
Folds = dict[int, Fold]
Statistic = Callable[[Shaped[np.ndarray, "draws n"]], Float[np.ndarray, "draws thresholds"]]


def decision_curves(judged: Judged) -> pl.DataFrame:
    """The table "decision_curves": threshold, net benefit (or a difference of two) and its pointwise interval."""
    grid = threshold_grid(*judged.settings.thresholds)
    rows: list[Row] = []
    for place in judged.places:
        if place.full:
            rows += _defaults(place, grid)
        found = {cell: _own(place, folds, grid) for cell, folds in place.full.items()}
        for cell, (benefit, above_all) in found.items():
            rows += _rows(place, cell, place.full[cell], benefit, grid, "model")
            rows += _rows(place, cell, place.full[cell], above_all, grid, "model", "treat_all")
            for reference in judged.settings.references:
                other = reference_cell(reference, cell, list(place.full))
                if other is not None and same_units(place.full[cell], place.full[other]):
                    apart = benefit - found[other][0]
                    rows += _rows(place, cell, place.full[cell], apart, grid, "model", reference)
                elif other is not None:
                    rows += _difference(place, cell, other, reference, grid)
    return pl.DataFrame(rows, schema=DECISION_COLUMNS)


def _defaults(place: Place, grid: Grid) -> list[Row]:
    """Treating all and treating nobody, over every unit of the place once."""
    every = concatenate([fold for seeds in place.full.values() for fold in seeds.values()])
    once = {0: every.take(np.unique(every.unit, return_index=True)[1])}
    everybody = place.draws.apply(once[0].patient, _treat_all(once[0], grid))
    rows = _rows(place, NO_ARM, once, everybody, grid, "treat_all")
    nobody = _rows(place, NO_ARM, once, np.zeros_like(everybody), grid, "treat_none")
    return rows + [row | {"low": 0.0, "high": 0.0, "interval_method": "exact: zero by definition"} for row in nobody]


def _own(place: Place, seeds: Folds, grid: Grid) -> tuple[Values, Values]:
    """Net benefit of an arm, and what it is above that of treating all of its units."""

    def statistic(fold: Fold) -> Statistic:
        model, everybody = _benefit(fold, grid), _treat_all(fold, grid)

        def both(weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws twice"]:
            benefit = model(weights)
            return np.hstack([benefit, benefit - everybody(weights)])

        return both

    folds = pooled(seeds)
    values = _over_folds(place, folds, [statistic(fold) for fold in folds.values()])
    return values[:, : len(grid)], values[:, len(grid) :]


def _difference(place: Place, cell: Cell, other: Cell, reference: str, grid: Grid) -> list[Row]:
    """An arm minus a reference, on the units that both predicted with the same seed."""
    mine, theirs = _shared(place.full[cell], place.full[other])
    if not mine:
        return []
    pairs = zip(pooled(mine).values(), pooled(theirs).values(), strict=True)
    apart = [_minus(_benefit(one, grid), _benefit(two, grid)) for one, two in pairs]
    return _rows(place, cell, mine, _over_folds(place, pooled(mine), apart), grid, "model", reference)


def _shared(one: Folds, other: Folds) -> tuple[Folds, Folds]:
    mine, theirs = {}, {}
    for seed in sorted(one.keys() & other.keys()):
        common, at, there = np.intersect1d(one[seed].unit, other[seed].unit, return_indices=True)
        if len(common):
            mine[seed], theirs[seed] = one[seed].take(at), other[seed].take(there)
    return mine, theirs


def _benefit(fold: Fold, grid: Grid) -> Statistic:
    return lambda weights: net_benefit_draws(fold.label, fold.score, weights, thresholds=grid)


def _treat_all(fold: Fold, grid: Grid) -> Statistic:
    return lambda weights: treat_all_draws(fold.label, weights, thresholds=grid)


def _minus(one: Statistic, other: Statistic) -> Statistic:
    return lambda weights: one(weights) - other(weights)


def _over_folds(place: Place, folds: Folds, statistics: list[Statistic]) -> Values:
    pairs = zip(folds.values(), statistics, strict=True)
    return mean_over_seeds(np.stack([place.draws.apply(fold.patient, statistic) for fold, statistic in pairs]))


def _rows(
    place: Place,
    cell: Cell,
    folds: Folds,
    values: Values,
    grid: Grid,
    strategy: str,
    reference: str = "",
) -> list[Row]:
    counts = count_columns(folds)
    rows: list[Row] = []
    for column, threshold in enumerate(grid):
        if not mostly_defined(values[:, column], place.draws):
            continue
        ends = interval_of(place.draws, values[:, column], folds.values(), "net_benefit")
        if ends.method == "none: the same in every draw":
            # nobody is treated, or the same patients by both: that is so by the rule, and not by chance.
            ends = Interval(float(values[0, column]), float(values[0, column]), "exact: the same patients are treated")
        if ends.why_none:
            continue
        found: Row = {"strategy": strategy, "reference": reference, "threshold": float(threshold)}
        benefit: Row = {"net_benefit": float(values[0, column])}
        rows.append(place_columns(place, cell) | found | benefit | ends.columns() | counts)
    return rows
