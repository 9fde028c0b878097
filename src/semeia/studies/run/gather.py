"""Gather the scores of many cells in one predictions table."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.atomic import write_csv, write_parquet
from semeia.evaluation import EvaluationSettings, evaluate
from semeia.learning.cells import Cell
from semeia.learning.prediction_table import score_columns
from semeia.progress import doing
from semeia.report.result_tables import write_tables
from semeia.studies.run.study import Material

SCORES = "scores.parquet"


def write_results(
    run: Path,
    predictions: pl.DataFrame,
    *,
    settings: tuple[EvaluationSettings, ...],
    further: Mapping[str, pl.DataFrame],
) -> list[str]:
    """Evaluates once for each setting (the whole, a stratum, ...), writes what it gave; returns what was left out.

    `further` are tables of the run by name ("leakage": its audit); they stand before those of the same name that the
    predictions give.
    """
    results, estimates, notes = [], [], []
    tables: dict[str, list[pl.DataFrame]] = {name: [table] for name, table in further.items()}
    for one in settings:
        with doing("evaluating the predictions"):
            found = evaluate(predictions, settings=one)
        results.append(found.results)
        estimates.append(found.estimates)
        for name, table in found.tables.items():
            tables.setdefault(name, []).append(table)
        notes += [note if one.where is None else f"{one.where}: {note}" for note in found.notes]
    write_csv(run / "results.csv", pl.concat(results))
    write_csv(run / "estimates.csv", pl.concat(estimates).unique(maintain_order=True))
    write_tables(run, {name: pl.concat(parts).unique(maintain_order=True) for name, parts in tables.items()})
    return notes


def write_scores(folder: Path, rows: np.ndarray, scores: np.ndarray) -> None:
    """Keep a cell's scores; see `scored`."""
    write_parquet(folder / SCORES, scored(rows, scores))


def scored(rows: np.ndarray, scores: np.ndarray) -> pl.DataFrame:
    """Lay scores, [n] or [n, class], in a table: which of the study's units, by their place, and probabilities."""
    return pl.DataFrame({"row": rows, **score_columns(scores)})


def gather(
    run: Path, cells: list[Cell], material: Material, *, study: str, passed_on: tuple[str, ...] = ()
) -> pl.DataFrame:
    """Make the predictions table of all outcomes; covariates in `passed_on` go along, where the units have them."""
    tables = []
    for outcome in material.outcomes:
        own = {
            cell: pl.read_parquet(run / cell.name / SCORES) for cell in cells if material.outcome_of(cell) == outcome
        }
        if own:
            tables.append(predictions_of(own, material, outcome, study=study, passed_on=passed_on))
    return pl.concat(tables, how="diagonal")


def predictions_of(
    scores: Mapping[Cell, pl.DataFrame],
    material: Material,
    outcome: str,
    *,
    study: str,
    passed_on: tuple[str, ...] = (),
) -> pl.DataFrame:
    """Make the predictions table of an outcome from what `scored` gives of each cell; see `gather`."""
    there = [name for name in passed_on if name in material.units.columns]
    about = material.units.select("site", pl.col("pseudonym").alias("subject_id"), "unit_id", *there).with_columns(
        pl.Series("row", np.arange(material.units.height)),
        pl.Series("label", material.labels[outcome]).fill_nan(None).cast(pl.Int64),
        pl.Series("cohort", material.cohort),
    )
    parts = [
        table.with_columns(
            pl.lit(cell.shown).alias("arm"),
            pl.lit(cell.mode).alias("mode"),
            pl.lit(cell.fraction).alias("fraction"),
            pl.lit(cell.seed).alias("seed"),
        )
        for cell, table in scores.items()
    ]
    columns = [name for name in parts[0].columns if name.startswith("score")]
    named = pl.concat(parts).with_columns(pl.lit(study).alias("study"), pl.lit(outcome).alias("outcome"))
    return named.join(about, on="row", how="left", maintain_order="left").select(
        "study", "outcome", "arm", "mode", "fraction", "seed", "cohort", "site", "subject_id", "unit_id", "label",
        *columns, *there,
    )  # fmt: skip
