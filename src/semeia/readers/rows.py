"""Read a user's table as rows of trimmed text; gather the faults of rows; show progress.

Rows are counted as a spreadsheet does, the header being row 1. Messages name rows and columns, never cell
contents that could be a patient's id.
"""

import datetime as dt
import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from semeia.archive.atomic import naming
from semeia.archive.identity import ROUNDED
from semeia.archive.table_file import LABEL_WORDS, TableFile, as_text, read_table
from semeia.errors import InputError

Item = TypeVar("Item")
Checked = TypeVar("Checked")
MOST_FAULTS = 10
LEFT_OUT = "rows with a fault were left out, as asked (--skip-bad-rows)"
_DAY = len("2020-06-01")
_MOST_CLASSES = 20  # of an outcome with more values these are counts or days, not classes
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?: ?(?:Z|[+-]\d\d(?::?\d\d)?))?)?")


@dataclass(frozen=True)
class Row:
    """One row of a user's table: cells as trimmed text, None where empty."""

    table: str
    number: int
    cells: dict[str, str | None]
    decimal_comma: bool = False

    def error(self, column: str, words: str) -> InputError:
        """The error to raise about a cell of this row."""
        return InputError(f"{self.table}, row {self.number}, column {column}: {words}")

    def text(self, column: str) -> str:
        """The cell, which must not be empty."""
        cell = self.cells[column]
        if cell is None:
            raise self.error(column, "is empty; fill it in or leave the row out.")
        return cell

    def identity(self, column: str) -> str:
        """The cell as the id of a patient, which must not be empty nor a rounded number."""
        cell = self.text(column)
        if re.fullmatch(ROUNDED, cell):
            raise self.error(
                column, "is an id that a spreadsheet has rounded (as in 1.2E+11); export the column again as text."
            )
        return cell

    @property
    def synthetic(self) -> bool:
        """Whether the row says that it is made up, as every table of `semeia.worlds` does."""
        return (self.cells.get("synthetic") or "").lower() in ("true", "1")

    def number_or_none(self, column: str) -> float | None:
        """The cell as a finite number; None when it is empty or the table has no such column.

        A decimal comma is read where it cannot be one of thousands: in tables with semicolons, and where not exactly
        three digits follow it.
        """
        cell = self.cells.get(column)
        if cell is None:
            return None
        if re.fullmatch(r"[+-]?\d+,\d+", cell) and (self.decimal_comma or len(cell.partition(",")[2]) != 3):
            cell = cell.replace(",", ".")
        try:
            value = float(cell) if cell.isascii() and "_" not in cell else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.error(column, "is not a number (written like 1.5, or empty where it is not known).")
        return value

    def time(self, column: str, *, day_zero: dt.date | None = None, ends: bool = False) -> dt.datetime:
        """The cell as a time in UTC without a zone, which must not be empty.

        Args:
            column: Which; in ISO, year first, with a zone or in UTC. A date alone is the start of that day.
            day_zero: The day that whole numbers count days from; without it they are refused.
            ends: Whether a date alone is the end of that day instead.
        """
        cell = self.text(column)
        try:
            if day_zero is not None and re.fullmatch(r"-?\d{1,6}(?:\.0+)?", cell):
                return dt.datetime.combine(day_zero, dt.time()) + dt.timedelta(days=int(float(cell)))
            time = dt.datetime.fromisoformat(re.sub(r" (?=[Z+-])", "", cell)) if _ISO.fullmatch(cell) else None
        except (ValueError, OverflowError):  # such as 30 February
            time = None
        if time is None:
            days = "" if day_zero is None else ", nor a whole number of days"
            raise self.error(column, f"is not a date in ISO, year first: 2020-06-01, or 2020-06-01 10:00{days}.")
        if ends and len(cell) == _DAY:
            return time + dt.timedelta(days=1, microseconds=-1)
        return time.astimezone(dt.UTC).replace(tzinfo=None) if time.tzinfo else time

    def label_or_none(self, column: str, *, otherwise: str = "") -> float | None:
        """The cell as a label: 0, 1 or a whole grade; true/false, yes/no and positive/negative count as 1 and 0.

        Args:
            otherwise: What else can be done about a cell that is none of these.
        """
        cell = self.cells.get(column)
        if cell is None:
            return None
        if cell.lower() in LABEL_WORDS:
            return float(LABEL_WORDS[cell.lower()])
        try:
            value = self.number_or_none(column)
        except InputError:
            value = -1.0
        if value is None or value < 0 or value != int(value):
            words = "must be 0 or 1 (also true/false, yes/no), or a whole grade from 0; empty where it is not known."
            raise self.error(column, words + otherwise)
        return value


def read_rows(
    path: str | Path,
    *,
    required: Sequence[str],
    known: Sequence[str] = (),
    verbatim: Sequence[str] = (),
    named: Sequence[str] = (),
) -> list[Row]:
    """Read a table as rows of text; see `read_table` for what is read and how columns are found."""
    return rows_of(read_table(path, required=required, known=known, verbatim=verbatim, named=named))


def rows_of(given: TableFile, columns: Sequence[str] = ()) -> list[Row]:
    """The rows of a table as text; of some columns, or of all."""
    names = list(dict.fromkeys(columns)) or given.frame.columns
    table = as_text(replace(given, frame=given.frame.select(names)))
    cells = table.frame.iter_rows(named=True)
    return [Row(table.name, number, row, table.decimal_comma) for number, row in zip(table.rows, cells, strict=True)]


@dataclass
class Faults:
    """What is wrong with the rows of a table, so that one run tells of ten faults and not of the first alone."""

    skip: int = 0
    rows: int = 0
    errors: list[InputError] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.skip < 0:
            raise InputError(f"skip_bad_rows is {self.skip}; it must be 0 or more.")

    def add(self, error: InputError) -> None:
        """Take one row's fault."""
        self.rows += 1
        if len(self.errors) < MOST_FAULTS:
            self.errors.append(error)

    def keep(self, rows: Sequence[Item], check: Callable[[Item], Checked]) -> list[Checked]:
        """What `check` makes of each row, without those it refuses; see `settle`."""
        kept = []
        for row in rows:
            try:
                kept.append(check(row))
            except InputError as error:
                self.add(error)
        return kept

    @property
    def full(self) -> bool:
        """Whether more is not worth looking for: there are too many to skip, and enough to tell."""
        return self.rows > self.skip and self.rows >= MOST_FAULTS

    def settle(self, *, whole: bool = True) -> int:
        """Raise what was found, unless it may be left out: then how many rows are. `whole`: all were looked at."""
        if self.rows <= self.skip:
            return self.rows
        if self.rows == 1:
            raise InputError(f"{self.errors[0]} Mend it, or leave such a row out with --skip-bad-rows 1.")
        table = str(self.errors[0]).partition(", row ")[0]
        said = [str(error).removeprefix(f"{table}, ") for error in self.errors]
        listed = " ".join(f"({place}) {words}" for place, words in enumerate(said, start=1))
        more = f" ... and {self.rows - len(self.errors)} more." if self.rows > len(self.errors) else ""
        number = f"{self.rows}" if whole else f"{self.rows} or more"
        advice = f" Mend the table, or leave such rows out with --skip-bad-rows {self.rows}."
        raise InputError(f"{table}, {number} rows have a fault: {listed}{more}{advice}")


def odd_labels(outcome: str, values: Collection[float]) -> str:
    """What to say of labels that a model could not take as they are, or not as they are meant; nothing of others."""
    *first, last = [f"{value:g}" for value in sorted(values)] or [""]
    there = f"the labels of {outcome} are {', '.join(first)}{' and ' if first else ''}{last}"
    if len(values) == 2 and set(values) != {0.0, 1.0}:
        return f"{there}; models of two classes take 0 and 1, so write these"
    whole = all(value == int(value) for value in values)
    if 2 < len(values) <= _MOST_CLASSES and whole and max(values) - min(values) >= len(values):
        return f"{there}, with gaps; if one is a code for what is not known, leave such cells empty"
    return ""


def day_of(text: str | None) -> dt.date | None:
    """The day that a table of day numbers counts from."""
    try:
        return None if text is None else dt.date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"day_zero is '{text}'; it must be a date in ISO, such as 2000-01-01.") from error


def folder_given(path: str | Path) -> Path:
    """`path` as a folder that can be listed, or an `InputError`."""
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder.")
    with naming(folder, "read"):
        next(folder.iterdir(), None)
    return folder
