"""Does a model do as well for everybody? Metrics within each level of sex, age, site and the like.

Cells with fewer than 10 patients, positive or negative units are suppressed (suppression.py says how). Whether levels
differ is asked in interactions.py: intervals that overlap or not are no test of it.
"""

import numpy as np
import polars as pl
from jaxtyping import Float, Shaped

from semeia.errors import InputError
from semeia.evaluation.cells import Cell, Fold, restrict
from semeia.evaluation.judged import Judged, Place
from semeia.evaluation.statistics.discrimination import ratio, weighted_sums
from semeia.evaluation.statistics.ranking import ranked_draws
from semeia.evaluation.strata import IDENTIFYING, Stratum
from semeia.evaluation.summary import Row
from semeia.evaluation.tables.across_seeds import across_seeds, mostly_defined
from semeia.evaluation.tables.bands import levels
from semeia.evaluation.tables.suppression import SHOWN, SUPPRESSED, suppress
from semeia.evaluation.tables.table_rows import (
    COUNT_COLUMNS,
    INTERVAL_COLUMNS,
    PLACE_COLUMNS,
    count_columns,
    place_columns,
)
from semeia.evaluation.uncertainty import interval_of

KNOWN = ("sex", "age", "site", "manufacturer", "diameter_mm", "n_scans", "record_density")
METRICS = ("auroc", "brier", "o_e", "sensitivity", "specificity")
SUBGROUP_COLUMNS: dict[str, type[pl.DataType]] = {
    **PLACE_COLUMNS,
    "column": pl.String,
    "level": pl.String,
    "state": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    **INTERVAL_COLUMNS,
    **COUNT_COLUMNS,
}

Folds = dict[int, Fold]


def subgroups(judged: Judged) -> pl.DataFrame:
    """The table "subgroups": a row a cohort, arm, column, level and metric.

    Metrics: auroc, brier, o_e (observed over expected), sensitivity and specificity at the carried threshold. `state`
    is "shown", "counts withheld" or "suppressed" (no value, no counts).

    Raises:
        InputError: the settings name a column that is not there, or one that names patients.
    """
    rows: list[Row] = []
    for column, parts in columns_of(judged).items():
        for place in judged.places:
            for cell, folds in place.full.items():
                rows += _rows(judged, place, cell, column, within(folds, parts))
    return pl.DataFrame(rows, schema=SUBGROUP_COLUMNS)


def columns_of(judged: Judged) -> dict[str, list[Stratum]]:
    """The levels of each column that is asked for; by default of those of KNOWN that are there."""
    table, named = judged.table, judged.settings.subgroups
    absent = [name for name in named if name not in table.columns or name in IDENTIFYING]
    if absent:
        known = ", ".join(name for name in table.columns if name not in IDENTIFYING)
        raise InputError(f"subgroups by {', '.join(absent)} cannot be made; choose among the columns: {known}.")
    found: dict[str, list[Stratum]] = {}
    for column in named or [name for name in KNOWN if name in table.columns]:
        parts = levels(table, column)
        if not parts:
            judged.notes.add("subgroups left out, the column has more than 40 values, dates or lists", column)
        elif twin := next((other for other, known in found.items() if _same(parts, known)), None):
            judged.notes.add(f"subgroups by {column} left out, they are those by {twin}")
        elif len(parts) > 1:
            found[column] = parts
    return found


def _same(parts: list[Stratum], others: list[Stratum]) -> bool:
    """Whether two columns cut the rows in the same way, whatever their levels are called."""
    cuts, known = ({part.rows.tobytes() for part in each} for each in (parts, others))
    return cuts == known


def within(folds: Folds, parts: list[Stratum]) -> dict[str, Folds]:
    """The folds of each level that is present; nothing when there is only one, which is no subgroup."""
    found = {part.text: restrict(folds, part.rows) for part in parts}
    found = {name: kept for name, kept in found.items() if kept}
    return found if len(found) > 1 else {}


def states_of(by_level: dict[str, Folds]) -> dict[str, str]:
    """Whether each level is shown, shown without its counts, or suppressed."""
    counts = [count_columns(folds) for folds in by_level.values()]
    sizes = [(count["n_patients"], count["n_positive"], count["n"] - count["n_positive"]) for count in counts]
    return dict(zip(by_level, suppress(np.array(sizes)), strict=True)) if by_level else {}


def _rows(judged: Judged, place: Place, cell: Cell, column: str, by_level: dict[str, Folds]) -> list[Row]:
    rows: list[Row] = []
    for level, state in states_of(by_level).items():
        common = place_columns(place, cell) | {"column": column, "level": level, "state": state}
        if state == SUPPRESSED:
            rows += [common | {"metric": metric} for metric in METRICS if place.carried or metric in METRICS[:3]]
            continue
        if state == SHOWN:
            common |= count_columns(by_level[level])
        values = across_seeds(by_level[level], place.draws, _statistics)
        for metric, column_values in zip(METRICS, values.T, strict=True):
            if mostly_defined(column_values, place.draws):
                interval = interval_of(place.draws, column_values, by_level[level].values(), metric)
                rows.append(common | {"metric": metric, "value": float(column_values[0])} | interval.columns())
            elif place.carried or metric in METRICS[:3]:
                judged.notes.add(f"{metric} left out of a subgroup, it is undefined", f"{place.name(cell)}, {level}")
    return rows


def _statistics(fold: Fold, weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws 5"]:
    label, score = fold.label.astype(np.float64), fold.score
    right = (label * fold.called, (1 - label) * (1 - fold.called))
    columns = [np.ones(len(label)), label, score, (score - label) ** 2, *right]
    n, positive, expected, error, found, cleared = weighted_sums(np.column_stack(columns), weights).T
    return np.column_stack(
        [
            ranked_draws(fold.ranking, weights)[0],
            ratio(error, n),
            ratio(positive, expected),
            ratio(found, positive),
            ratio(cleared, n - positive),
        ]
    )
