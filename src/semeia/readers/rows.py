"""What readers share: a user's table goes in, rows of trimmed text with their numbers come out; and progress.

Rows are counted as a spreadsheet does, the header being row 1. Messages name rows and columns, never cell
contents that could be a patient's id.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import polars as pl

from semeia.archive.atomic import naming
from semeia.errors import InputError

Item = TypeVar("Item")


@dataclass(frozen=True)
class Row:
    """One row of a user's table: cells as trimmed text, None where empty."""

    table: str
    number: int
    cells: dict[str, str | None]

    def error(self, column: str, words: str) -> InputError:
        """The error to raise about a cell of this row."""
        return InputError(f"{self.table}, row {self.number}, column {column}: {words}")

    def text(self, column: str) -> str:
        """The cell, which must not be empty."""
        cell = self.cells[column]
        if cell is None:
            raise self.error(column, "is empty; fill it in or leave the row out.")
        return cell

    @property
    def synthetic(self) -> bool:
        """Whether the row says that it is made up, as every table of `semeia.worlds` does."""
        return (self.cells.get("synthetic") or "").lower() in ("true", "1")

    def number_or_none(self, column: str) -> float | None:
        """The cell as a finite number; None when it is empty or the table has no such column."""
        cell = self.cells.get(column)
        if cell is None:
            return None
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.error(column, "is not a number.")
        return value


def read_rows(path: str | Path, *, required: Sequence[str]) -> list[Row]:
    """Read a table, .csv, .tsv or .parquet by its suffix, as text.

    Raises:
        InputError: The file is absent or not such a table, is empty, or lacks a required column.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such table.")
    try:
        frame = _frame(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path}: cannot be read as a table; save it as CSV in UTF-8 with one header line.") from error
    absent = [column for column in required if column not in frame.columns]
    if absent:
        raise InputError(f"{path}: lacks the column(s) {', '.join(absent)}.")
    if frame.is_empty():
        raise InputError(f"{path}: has a header but no rows.")
    try:
        trimmed = frame.select(pl.all().cast(pl.String).str.strip_chars().replace("", None))
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path}: has columns that are not plain values.") from error
    return [Row(path.name, place, cells) for place, cells in enumerate(trimmed.iter_rows(named=True), start=2)]


def _frame(path: Path) -> pl.DataFrame:
    if path.suffix == ".parquet":
        return pl.read_parquet(path, glob=False)
    if path.suffix in (".csv", ".tsv"):
        return pl.read_csv(path, separator="\t" if path.suffix == ".tsv" else ",", infer_schema=False, glob=False)
    raise InputError(f"{path}: a table must end in .csv, .tsv or .parquet.")


def folder_given(path: str | Path) -> Path:
    """`path` as a folder that can be listed, or an `InputError`."""
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder.")
    with naming(folder, "read"):
        next(folder.iterdir(), None)
    return folder


def progress(items: Sequence[Item], words: str) -> Iterator[Item]:
    """Go through `items`, with a bar on standard error when that is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, words, console=Console(stderr=True), transient=True)
