"""Write and read the further tables of an evaluation, tables/<name>.csv beside results.csv, and tell damaged ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from semeia.archive.atomic import make_folder, naming, plain_cells, write_csv
from semeia.archive.hashing import file_sha256
from semeia.archive.small_file import MEGABYTE, require_regular
from semeia.errors import InputError
from semeia.evaluation.tables.columns import TABLES

FOLDER = "tables"
LARGEST = 512 * MEGABYTE
# Columns of names, which stay as they are written even where all of them look like numbers.
NAMES = ("study", "outcome", "cohort", "stratum", "arm", "mode", "reference", "site", "level")


def write_tables(run: Path, tables: dict[str, pl.DataFrame]) -> None:
    """Write each table; those of an earlier evaluation that are not among them are removed."""
    folder = run / FOLDER
    with naming(folder, "written"):
        if tables:
            make_folder(folder)
        for path in folder.glob("*.csv"):
            if path.stem not in tables:
                path.unlink()
    for name, table in tables.items():
        write_csv(folder / f"{name}.csv", table)


def read_tables(run: Path) -> dict[str, pl.DataFrame]:
    """Tabulate the tables of a run by name; none where it has none."""
    return {path.stem: _typed(path, read_csv(path, texts=NAMES)) for path in sorted((run / FOLDER).glob("*.csv"))}


def _typed(path: Path, table: pl.DataFrame) -> pl.DataFrame:
    for name, kind in TABLES.get(path.stem, {}).items():
        try:
            table = table.with_columns(pl.col(name).cast(kind)) if name in table.columns else table
        except pl.exceptions.PolarsError as error:
            what = "text" if kind == pl.String else "whole number" if kind == pl.Int64 else "number"
            raise InputError(
                f"{path}, column {name}: holds what is no {what}; write it again with `semeia evaluate`"
            ) from error
    return table


def marks_of(run: Path) -> dict[str, str]:
    """SHA-256 of each table of a run by its path in it, for run.json "tables"."""
    there = [run / name for name in ("results.csv", "predictions.parquet")]
    there = [path for path in there if path.exists()] + sorted((run / FOLDER).glob("*.csv"))
    for path in there:
        require_regular(path)
    return {path.relative_to(run).as_posix(): file_sha256(path) for path in there}


def require_as_written(run: Path, record: Mapping[str, object]) -> None:
    """Refuse tables that are no longer what run.json says was written; the one that was changed is named."""
    marks = record.get("tables")
    if not isinstance(marks, dict):
        return
    for name, mark in marks_of(run).items():
        if marks.get(name, mark) != mark:
            raise InputError(
                f"{run / name}: is damaged, or was changed after it was written; evaluate the predictions again, or "
                "take an undamaged copy of the folder"
            )


def read_csv(path: Path, *, texts: Sequence[str] | None = None) -> pl.DataFrame:
    """A table of a run as `write_csv` was given it; `texts` are columns to be left as text (by default all)."""
    require_regular(path, most=LARGEST)
    try:
        if texts is None:
            return plain_cells(pl.read_csv(path, infer_schema=False, glob=False))
        header = pl.read_csv(path, n_rows=0, glob=False).columns
        kinds = {name: pl.String for name in texts if name in header}
        return plain_cells(pl.read_csv(path, schema_overrides=kinds, infer_schema_length=None, glob=False))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path}: not readable as CSV; write it again with `semeia evaluate`") from error
