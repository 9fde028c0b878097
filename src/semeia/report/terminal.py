"""Put out the tables of commands: side by side in a terminal, tab-separated where there is none, JSON, files."""

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import polars as pl

from semeia.archive.atomic import write_csv, write_parquet
from semeia.errors import InputError, printable
from semeia.evaluation import Evaluation
from semeia.progress import warn

SHOWN = ("auroc", "auprc", "brier", "calibration_slope", "macro_auroc", "balanced_accuracy", "quadratic_kappa")
SHOWN += ("c_index", "auroc_at_horizon", "brier_at_horizon", "observed_expected_at_horizon")
MOST_ROWS = 40


def print_table(frame: pl.DataFrame) -> None:
    """Print a frame on standard output, every row of it."""
    frame = frame.with_columns(pl.col(pl.String).map_elements(printable, pl.String)).rename(printable)
    if not sys.stdout.isatty():
        sys.stdout.write(frame.write_csv(separator="\t"))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for name in frame.columns:
        table.add_column(Text(name))
    for row in frame.iter_rows():
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    Console().print(table)


def facts(result: object) -> object:
    """A result as JSON can hold it: a table as its rows, an evaluation as the rows that answer first, NaN as null."""
    if isinstance(result, Evaluation):
        return {"results": facts(answering(result.results)), "notes": list(result.notes)}
    if isinstance(result, pl.DataFrame):
        return [facts(row) for row in result.iter_rows(named=True)]
    if is_dataclass(result):
        return {field.name: facts(getattr(result, field.name)) for field in fields(result)}
    if isinstance(result, Mapping):
        return {str(name): facts(value) for name, value in result.items()}
    if isinstance(result, tuple | list):
        return [facts(value) for value in result]
    if isinstance(result, float):
        return result if math.isfinite(result) else None
    return result if result is None or isinstance(result, bool | int | str) else str(result)


def print_result(result: object) -> None:
    """Print a table; of an evaluation the rows that answer first, and say what was left out, and why."""
    if isinstance(result, pl.DataFrame):
        print_table(result)
    elif isinstance(result, Evaluation):
        print_table(short_results(result.results))
        for note in result.notes:
            warn(note)


def _arm(results: pl.DataFrame) -> pl.Expr:
    """The arm, with its mode where it has one and its share of the labels where that varies."""
    mode = pl.when(pl.col("mode").is_in(["", "none"])).then(pl.lit("")).otherwise(pl.format("/{}", "mode"))
    several = results["fraction"].n_unique() > 1
    share = pl.format(" at {}", pl.col("fraction").round(4)) if several else pl.lit("")
    return pl.format("{}{}{}", "arm", mode, share)


def answering(results: pl.DataFrame) -> pl.DataFrame:
    """The rows of results that answer first: AUROC and its kin; while the table stays short, calibration and others."""
    shown = results.filter(pl.col("metric").is_in(SHOWN) | pl.col("metric").str.starts_with("auroc_gain"))
    return shown if shown.height <= MOST_ROWS else shown.filter(pl.col("metric").str.contains("auroc"))


def short_results(results: pl.DataFrame) -> pl.DataFrame:
    """What answers first, intervals in words: cohort, stratum, arm, minus, metric, value, patients."""
    number = {name: pl.col(name).round(3).map_elements("{:.3f}".format, pl.String) for name in ("value", "low", "high")}
    interval = pl.format("{} ({} to {})", *number.values())
    return answering(results).select(
        "cohort",
        "stratum",
        _arm(results).alias("arm"),
        pl.col("reference").replace("", None).alias("minus"),
        "metric",
        pl.when(pl.col("low").is_null()).then(number["value"]).otherwise(interval).alias("value"),
        pl.col("n_patients").alias("patients"),
    )


def table_writer(path: Path) -> Callable[[pl.DataFrame], None]:
    """Return what writes a table to `path`; to be asked for before the table is made, which may take hours."""
    if path.exists():
        raise InputError(f"{path}: is there already and is not overwritten; name another file with --out.")
    if path.suffix not in (".csv", ".parquet"):
        raise InputError(f"{path}: a table is written as .csv or .parquet; name such a file with --out.")
    write = write_parquet if path.suffix == ".parquet" else write_csv
    return lambda table: write(path, table)
