"""From the scores of many cells to one predictions table."""

from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.atomic import write_parquet
from semeia.studies.grid import Cell

SCORES = "scores.parquet"
# Covariates that go along, where the archive has them.
PASSED_ON = ("diameter_mm", "z_extent_mm", "manufacturer", "malignancy_others")


def write_scores(folder: Path, rows: np.ndarray, scores: np.ndarray) -> None:
    """Keeps a cell's scores: which of the study's units, by their place, and their probabilities.

    Args:
        folder: of the cell.
        rows: [n].
        scores: [n] of two classes, [n, class] of several.
    """
    columns = {"score": scores} if scores.ndim == 1 else {f"score_{k}": chance for k, chance in enumerate(scores.T)}
    write_parquet(folder / SCORES, pl.DataFrame({"row": rows, **columns}))


def write_predictions(run: Path, table: pl.DataFrame) -> None:
    """Writes `predictions.parquet`."""
    write_parquet(run / "predictions.parquet", table)


def gather(
    run: Path,
    cells: list[Cell],
    units: pl.DataFrame,
    labels: np.ndarray,
    *,
    cohort: np.ndarray,
    study: str,
    outcome: str,
    passed_on: tuple[str, ...] = PASSED_ON,
) -> pl.DataFrame:
    """The predictions table of one outcome, from the scores of all cells.

    Args:
        run: the run folder.
        cells: whose scores.
        units: unit_id, pseudonym, site and covariates of all units of the study.
        labels: of each unit, NaN where it has none.
        cohort: of each unit.
        study: its name.
        outcome: what is predicted.
        passed_on: covariates that go along, where the units have them.
    """
    there = [name for name in passed_on if name in units.columns]
    about = units.select("site", pl.col("pseudonym").alias("subject_id"), "unit_id", *there).with_columns(
        pl.Series("row", np.arange(units.height)),
        pl.Series("label", labels).fill_nan(None).cast(pl.Int64),
        pl.Series("cohort", cohort),
    )
    parts = [
        pl.read_parquet(run / cell.name / SCORES).with_columns(
            pl.lit(cell.arm).alias("arm"),
            pl.lit(cell.mode).alias("mode"),
            pl.lit(cell.fraction).alias("fraction"),
            pl.lit(cell.seed).alias("seed"),
        )
        for cell in cells
    ]
    named = pl.concat(parts).with_columns(pl.lit(study).alias("study"), pl.lit(outcome).alias("outcome"))
    scores = [name for name in parts[0].columns if name.startswith("score")]
    return named.join(about, on="row", how="left", maintain_order="left").select(
        "study", "outcome", "arm", "mode", "fraction", "seed", "cohort", "site", "subject_id", "unit_id", "label",
        *scores, *there,
    )  # fmt: skip
