"""The table of operating points: what an arm does at fixed specificity or sensitivity, and what its calls mean.

Sensitivity at fixed specificities (and the reverse) needs no threshold from elsewhere (fixed_points.py); predictive
values are those of the calls at the carried threshold, at a stated prevalence, or at that of the cohort on which the
threshold is chosen, which is then drawn with its patients (predictive_values.py).
"""

import numpy as np
import polars as pl
from jaxtyping import Float

from semeia.evaluation.cells import Cell, Fold
from semeia.evaluation.judged import Judged, Place
from semeia.evaluation.metrics import absolute_metrics
from semeia.evaluation.statistics.fixed_points import fixed_points
from semeia.evaluation.statistics.predictive_values import predictive_values
from semeia.evaluation.summary import Row
from semeia.evaluation.tables.across_seeds import mean_over_seeds, mostly_defined
from semeia.evaluation.tables.characteristics import drawn_prevalence
from semeia.evaluation.tables.table_rows import (
    COUNT_COLUMNS,
    INTERVAL_COLUMNS,
    PLACE_COLUMNS,
    count_columns,
    place_columns,
)
from semeia.evaluation.uncertainty import interval_of

OPERATING_COLUMNS: dict[str, type[pl.DataType]] = {
    **PLACE_COLUMNS,
    "metric": pl.String,
    "at": pl.Float64,
    "value": pl.Float64,
    **INTERVAL_COLUMNS,
    **COUNT_COLUMNS,
}
Named = list[tuple[str, float]]
# stated, or drawn with the patients of the cohort it is that of.
Prevalence = float | Float[np.ndarray, "rows"]


def operating_points(judged: Judged) -> pl.DataFrame:
    """Operating points of every arm at its largest label fraction.

    Returns:
        OPERATING_COLUMNS. `metric` is sensitivity_at_specificity or specificity_at_sensitivity (`at` is the one that
        is fixed), ppv or npv (`at` is the prevalence).
    """
    rows: list[Row] = []
    for places in judged.outcomes().values():
        source = _prevalence(places, judged)
        for place in places:
            prevalence = drawn_prevalence(source, seen_from=place) if isinstance(source, Place) else source
            for cell, folds in place.full.items():
                rows += _of_cell(place, cell, folds, prevalence, judged)
    return pl.DataFrame(rows, schema=OPERATING_COLUMNS)


def _prevalence(places: list[Place], judged: Judged) -> float | Place | None:
    """As the settings state it, else the cohort the threshold is chosen on; None when none is chosen."""
    inside = next((place for place in places if place.inside), None)
    if inside is None or judged.settings.prevalence is not None:
        return None if inside is None else judged.settings.prevalence
    return inside if inside.cells else None


def _of_cell(
    place: Place, cell: Cell, folds: dict[int, Fold], prevalence: Prevalence | None, judged: Judged
) -> list[Row]:
    fixed = judged.settings.fixed_points
    named: Named = [
        (f"{name}", at) for name in ("sensitivity_at_specificity", "specificity_at_sensitivity") for at in fixed
    ]
    if prevalence is not None:
        at = float(np.ravel(prevalence)[0])
        named += [("ppv", at), ("npv", at)]

    values = mean_over_seeds(np.stack([_values(fold, place, fixed, prevalence) for fold in folds.values()]))
    counts = count_columns(folds)
    rows: list[Row] = []
    for (metric, at), column in zip(named, values.T, strict=True):
        if not mostly_defined(column, place.draws):
            words = f"{metric} at {at:.3g} left out, it is undefined on these rows or in more than a tenth of the draws"
            judged.notes.add(words, place.name(cell))
            continue
        said = {"metric": metric, "at": at, "value": float(column[0])}
        interval = interval_of(place.draws, column, folds.values(), metric)
        rows.append({**place_columns(place, cell), **said, **interval.columns(), **counts})
    return rows


def _values(
    fold: Fold, place: Place, fixed: tuple[float, ...], prevalence: Prevalence | None
) -> Float[np.ndarray, "rows k"]:
    at_fixed = place.draws.apply(
        fold.patient, lambda weights: np.hstack(fixed_points(fold.ranking, weights, points=fixed))
    )
    if prevalence is None:
        return at_fixed
    known = absolute_metrics(fold, place.draws)
    carried = predictive_values(known["sensitivity"], known["specificity"], prevalence=prevalence)
    return np.column_stack([at_fixed, *carried])
