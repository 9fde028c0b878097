"""The table of recalibrations: how much of an arm's miscalibration a simple mending takes away.

`Judged` comes in; "recalibration" goes out: for each arm, cohort and way of mending (none, intercept, logistic,
isotonic) the calibration that is left. A rule is fitted inside on patients other than those it is judged on: on the
internal predictions of the other seeds, or by cross-fitting over the patients of a single one (carry.py); anybody who
is in both cohorts is left out of the fit.
"""

from dataclasses import replace

import numpy as np
import polars as pl
from jaxtyping import Float, Int, Shaped

from semeia.evaluation.carry import Rule, carry
from semeia.evaluation.cells import Cell, Fold
from semeia.evaluation.judged import Judged, Place
from semeia.evaluation.statistics.calibration import calibration_draws
from semeia.evaluation.statistics.calibration_chance import error_interval, errors_by_chance
from semeia.evaluation.statistics.calibration_curve import flexible_calibration, ici_draws, point_weights
from semeia.evaluation.statistics.discrimination import ratio, weighted_sums
from semeia.evaluation.statistics.recalibration import METHODS, Method, fit_recalibration, recalibrated
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

OWN: dict[str, type[pl.DataType]] = {"method": pl.String, "metric": pl.String, "value": pl.Float64}
RECALIBRATION_COLUMNS = PLACE_COLUMNS | OWN | INTERVAL_COLUMNS | COUNT_COLUMNS
METRICS = ("intercept", "slope", "ici", "brier", "o_e")


def recalibrations(judged: Judged) -> pl.DataFrame:
    """The table "recalibration": method, metric, value and its interval."""
    patient = judged.subject
    rows: list[Row] = []
    for places in judged.outcomes().values():
        inside = next((place.cohort for place in places if place.inside), None)
        if inside is None:
            judged.notes.add("recalibration left out, no cohort is named 'internal' to fit it on", places[0].outcome)
            continue
        for cell in dict.fromkeys(cell for place in places for cell in place.full):
            cohorts = {place.cohort: place.folds[cell] for place in places if cell in place.folds}
            for method in ("none", *METHODS):
                mended = judged.table["score"].to_numpy()
                if method != "none":
                    values = carry(_rule(method, patient), cohorts, inside=inside, seed=judged.settings.seed)
                    mended = _by_row(cohorts, values, len(mended))
                for place in places:
                    if cell in place.full:
                        rows += _rows(judged, place, cell, method, mended)
    return pl.DataFrame(rows, schema=RECALIBRATION_COLUMNS)


def _rule(method: Method, patient: Int[np.ndarray, "rows"]) -> Rule:
    def rule(fit: Fold, use: Fold) -> Float[np.ndarray, "n"]:
        # carry.py parts the patients of one cohort; this also parts those who are in both.
        fit = fit.take(~np.isin(patient[fit.row], patient[use.row]))
        if fit.one_class():
            return np.full(len(use.label), np.nan)
        fitted = fit_recalibration(method, fit.label, fit.score, patient=patient[fit.row])
        return recalibrated(fitted, use.score, patient=patient[use.row])

    return rule


def _by_row(
    cohorts: dict[str, dict[int, Fold]], values: dict[str, dict[int, Float[np.ndarray, "_"]]], rows: int
) -> Float[np.ndarray, "rows"]:
    out = np.full(rows, np.nan)
    for cohort, folds in cohorts.items():
        for seed, fold in folds.items():
            out[fold.row] = values[cohort][seed]
    return out


def _rows(judged: Judged, place: Place, cell: Cell, method: str, mended: Float[np.ndarray, "rows"]) -> list[Row]:
    seeds = {seed: replace(fold, score=mended[fold.row]) for seed, fold in place.full[cell].items()}
    if any(np.isnan(fold.score).any() for fold in seeds.values()):
        judged.notes.add(f"{method} recalibration left out, there is no fit inside", place.name(cell))
        return []
    folds = list(pooled(seeds).values())
    values = mean_over_seeds(np.stack([_measures(fold, place) for fold in folds]))
    errors = errors_by_chance(folds, seed=judged.settings.seed)[:, 0]
    counts = count_columns(seeds)
    rows: list[Row] = []
    for column, metric in enumerate(METRICS):
        if not mostly_defined(values[:, column], place.draws):
            judged.notes.add(f"{metric} after {method} recalibration left out where undefined", place.name(cell))
            continue
        is_error, one = metric == "ici", values[:, column]
        if is_error:
            interval = error_interval(place.draws, one, folds, errors)
        else:
            interval = interval_of(place.draws, one, folds, metric)
        found: Row = {"method": method, "metric": metric, "value": float(values[0, column])}
        rows.append(place_columns(place, cell) | found | interval.columns() | counts)
    return rows


def _measures(fold: Fold, place: Place) -> Float[np.ndarray, "draws k"]:
    prepared = flexible_calibration(fold.label, fold.score)
    sums = np.column_stack([np.ones(len(fold.label)), fold.label, fold.score, (fold.score - fold.label) ** 2])

    def statistic(weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws k"]:
        points = point_weights(prepared, weights)
        intercept, slope = calibration_draws(prepared.label, prepared.score, points)
        n, positive, expected, error = weighted_sums(sums, weights).T
        return np.column_stack(
            [intercept, slope, ici_draws(prepared, points), ratio(error, n), ratio(positive, expected)]
        )

    return place.draws.apply(fold.patient, statistic)
