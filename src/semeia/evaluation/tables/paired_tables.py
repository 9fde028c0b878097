"""Compare two tables of predictions where both tested the same units of the same patients; else say why not."""

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl

from semeia.evaluation.cells import Cell, Fold, blocks
from semeia.evaluation.statistics.delong import Areas, areas, mean_areas

NOT_THE_SAME = "not the same patients were tested"


@dataclass(frozen=True)
class Paired:
    """One difference of AUROCs between two models in one cohort; where it is not given, `why` says so."""

    cohort: str
    value: float = 0.0
    low: float = 0.0
    high: float = 0.0
    units: int = 0
    patients: int = 0
    why: str = ""


def mark_of_tested(predictions: pl.DataFrame) -> str:
    """Mark all units tested with their patients and labels, so that no id can be read out; equal for the same ones."""
    units = predictions.select("outcome", "cohort", "subject_id", "unit_id", "label").unique().sort(pl.all())
    return hashlib.sha256(units.write_csv().encode()).hexdigest()


def paired(one: pl.DataFrame, other: pl.DataFrame, *, cells: tuple[Cell, Cell], outcome: str) -> list[Paired]:
    """Return the model (`cells[0]`) of one table minus that of the other in each cohort that both tested."""
    tables = [_rows(table, cell, outcome) for table, cell in zip((one, other), cells, strict=True)]
    cohorts = [c for c in tables[0]["cohort"].unique(maintain_order=True) if c in set(tables[1]["cohort"])]
    if not cohorts:
        return []
    # One table, so that a unit has the same number on both sides.
    together = pl.concat([table.with_columns(arm=pl.lit(str(side))) for side, table in enumerate(tables)])
    (block,) = blocks(together.with_row_index("_row"), covariate=None)
    sides = [block.folds[Cell(str(side), "", 1.0)] for side in range(2)]
    return [_paired(cohort, sides[0][cohort], sides[1][cohort]) for cohort in cohorts]


def _rows(table: pl.DataFrame, cell: Cell, outcome: str) -> pl.DataFrame:
    """The labelled predictions of one model, in columns that do not tell whose they are."""
    mine = table.filter(outcome=outcome, arm=cell.arm, mode=cell.mode, fraction=cell.fraction)
    common = mine.select("seed", "cohort", "subject_id", "unit_id", "label", "score")
    return common.with_columns(study=pl.lit(""), outcome=pl.lit(outcome), mode=pl.lit(""), fraction=pl.lit(1.0))


def _paired(cohort: str, one: dict[int, Fold], other: dict[int, Fold]) -> Paired:
    """Each side is averaged over its own seeds, patient by patient, before the two are subtracted."""
    if _units(one) != _units(other):
        return Paired(cohort, why=NOT_THE_SAME)
    folds = [*one.values(), *other.values()]
    if any(np.isnan(fold.score).any() for fold in folds):
        return Paired(cohort, why="an outcome of several classes has no such difference yet")
    if any(fold.one_class() for fold in folds):
        return Paired(cohort, why="a seed tested patients of one class only")
    sides = [mean_areas([areas(f.label, f.score[None], f.patient) for f in side.values()]) for side in (one, other)]
    values = np.concatenate([side.value for side in sides])
    parts = np.concatenate([side.parts for side in sides], axis=1)
    difference = Areas(values, sides[0].patient, parts).contrast((1, -1))
    if not np.isfinite(difference.error):
        return Paired(cohort, why="too few patients of one class")
    low, high = difference.interval()
    return Paired(cohort, difference.value, low, high, len(_units(one)), len(sides[0].patient))


def _units(folds: dict[int, Fold]) -> set[tuple[int, int]]:
    """Units with their labels, over all seeds."""
    return {pair for fold in folds.values() for pair in zip(fold.unit.tolist(), fold.label.tolist(), strict=True)}
