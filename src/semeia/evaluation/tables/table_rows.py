"""The columns that every table of an analysis begins with, and the counts that it ends with."""

import polars as pl

from semeia.evaluation.cells import Cell, Fold, counts
from semeia.evaluation.judged import Place
from semeia.evaluation.summary import Row

PLACE_COLUMNS: dict[str, type[pl.DataType]] = {
    "study": pl.String,
    "outcome": pl.String,
    "cohort": pl.String,
    "stratum": pl.String,
    "arm": pl.String,
    "mode": pl.String,
    "fraction": pl.Float64,
}
INTERVAL_COLUMNS: dict[str, type[pl.DataType]] = {"low": pl.Float64, "high": pl.Float64, "interval_method": pl.String}
COUNT_COLUMNS: dict[str, type[pl.DataType]] = {"n": pl.Int64, "n_patients": pl.Int64, "n_positive": pl.Int64}


def place_columns(place: Place, cell: Cell) -> Row:
    """study, outcome, cohort, stratum, arm, mode, fraction."""
    where = {"study": place.study, "outcome": place.outcome, "cohort": place.cohort, "stratum": place.base.text}
    return where | cell._asdict()


def count_columns(folds: dict[int, Fold]) -> dict[str, int]:
    """n, n_patients, n_positive: distinct units, patients and positive units over the seeds."""
    return counts(folds.values())
