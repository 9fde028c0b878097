"""Read a user's table, of any common dialect, as a frame of trimmed text.

The header says what separates the columns. Nothing of a cell appears in a message: rows are counted as a spreadsheet
does, the header being row 1. Tables larger than memory (health records) go through duckdb instead, in
`readers/records/sources.py`.
"""

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from semeia.archive.atomic import naming
from semeia.archive.column_names import there_are
from semeia.archive.parquet_file import read_parquet
from semeia.archive.text_table import SAVE, SPACES, parse_text
from semeia.bounds import bounded, most
from semeia.errors import InputError

MISSING = ("NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "NaT", "NULL", "null", "None")
LABEL_WORDS = {
    **dict.fromkeys(("true", "yes", "y", "t", "positive", "pos"), 1),
    **dict.fromkeys(("false", "no", "n", "f", "negative", "neg"), 0),
}
_SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".parquet")
_SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")


@dataclass(frozen=True)
class TableFile:
    """A table as it was read.

    Attributes:
        frame: Text without spaces around it, null where empty; of parquet plain values, which keep their types.
        rows: The number of each row in the file. Blank rows are left out.
        decimal_comma: Whether 1,5 is a number here: semicolons stand where others have commas.
        nested: Columns of parquet that were left out: of lists, structures or bytes.
    """

    name: str
    frame: pl.DataFrame
    rows: list[int]
    decimal_comma: bool = False
    nested: tuple[str, ...] = ()

    def require_plain(self, columns: Sequence[str]) -> None:
        """Refuse a column that is needed and holds no plain values."""
        if wrong := [name for name in self.nested if name in columns]:
            raise InputError(
                f"{self.name}: the column(s) {', '.join(wrong)} hold lists, structures or bytes; "
                "write one plain value a cell, in as many columns as it takes."
            )


def read_table(
    path: str | Path,
    *,
    required: Sequence[str] = (),
    known: Sequence[str] = (),
    verbatim: Sequence[str] = (),
    named: Sequence[str] = (),
) -> TableFile:
    """Read a table: .csv, .tsv or .txt (also .gz) with any of the common separators, or .parquet.

    Args:
        known: Columns that may be. These and the required are found in any case, and have these names then.
        verbatim: Columns in which NA and the like are text, not an empty cell.
        named: What columns are called in this file, where they are not called as here: "score=Risk".

    Raises:
        InputError: Absent, no table, without rows, cells that the header has no column for, or a column is missing.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such table (a file that ends in {', '.join(_SUFFIXES)}).")
    with naming(path, "read"):
        content = _content(path)
    table = _parquet(path, content) if content[:4] == b"PAR1" else _of_text(path, content)
    frame = _renamed(_named(path, table.frame, named), (*required, *known))
    nested = tuple(name for name, kind in frame.schema.items() if kind.is_nested() or kind in (pl.Binary, pl.Object))
    table = replace(table, nested=nested)
    table.require_plain((*required, *known))
    frame = frame.drop(nested)
    absent = [column for column in required if column not in frame.columns]
    if absent:
        there = there_are(frame.columns, absent, known=(*required, *known))
        raise InputError(f"{path}: lacks the column(s) {', '.join(absent)}. {there}")
    if frame.is_empty():
        raise InputError(f"{path}: has a header but no rows.")
    plain = [name for name, kind in frame.schema.items() if kind == pl.String]
    empty = ["", *MISSING]
    trimmed = frame.with_columns(
        pl.col(name).str.strip_chars(SPACES).replace([""] if name in verbatim else empty, None) for name in plain
    )
    blank = trimmed.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if blank.all():
        raise InputError(f"{path}: has a header but no rows.")
    rows = [number for number, none in zip(table.rows, blank, strict=True) if not none]
    return replace(table, frame=trimmed.filter(~blank), rows=rows)


def _content(path: Path) -> bytes:
    """The bytes of a file that is a table by its name and content, unpacked."""
    lower = path.name.lower()
    with path.open("rb") as stream:
        head = stream.read(4)
    if lower.endswith(_SPREADSHEETS) or head == b"PK\x03\x04" or head == b"\xd0\xcf\x11\xe0":
        raise InputError(f"{path}: is a spreadsheet; a table must end in .csv, .tsv or .parquet: {SAVE}.")
    if not lower.endswith(_SUFFIXES):
        raise InputError(f"{path}: a table must end in .csv, .tsv or .parquet: {SAVE}.")
    bound, size = most("SEMEIA_MOST_TABLE_BYTES"), path.stat().st_size
    bounded(size, "SEMEIA_MOST_TABLE_BYTES", called=str(path), claim=f"has {size} bytes", advice="divide it")
    if head[:2] != b"\x1f\x8b":
        content = path.read_bytes()
        if lower.endswith(".parquet") != (head == b"PAR1"):
            raise InputError(f"{path}: cannot be read as a table: its content is not what its name says; {SAVE}.")
        return content
    try:
        with gzip.open(path, "rb") as stream:
            content = stream.read(bound + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: damaged or cut short; copy the file again.") from error
    claim = f"unpacks to over {bound} bytes"
    bounded(len(content), "SEMEIA_MOST_TABLE_BYTES", called=str(path), claim=claim, advice="divide it")
    return content


def _of_text(path: Path, content: bytes) -> TableFile:
    text = parse_text(path, content)
    frame = pl.DataFrame({name: pl.Series(cells, dtype=pl.String) for name, cells in text.columns.items()})
    return TableFile(path.name, frame, text.rows, decimal_comma=text.separator == ";")


def _parquet(path: Path, content: bytes) -> TableFile:
    frame = read_parquet(path, content=content)
    return TableFile(path.name, frame, list(range(2, frame.height + 2)))


def _named(path: Path, frame: pl.DataFrame, named: Sequence[str]) -> pl.DataFrame:
    """The frame with the columns that the user has named called so."""
    names: dict[str, str] = {}
    there = {name.strip(SPACES).casefold(): name for name in frame.columns}
    for pair in named:
        ours, _, theirs = (part.strip() for part in pair.partition("="))
        if not ours or not theirs:
            raise InputError(f"--map: '{pair}' is not written NAME=COLUMN, such as score=Risk.")
        if theirs.casefold() not in there:
            raise InputError(f"{path}: has no column '{theirs}'. {there_are(frame.columns, [theirs])}")
        names[there[theirs.casefold()]] = ours
    after = [names.get(name, name) for name in frame.columns]
    if twice := next((name for name in after if after.count(name) > 1), None):
        raise InputError(f"{path}: would have two columns '{twice}'; --map names another for it.")
    return frame.rename(names)


def _renamed(frame: pl.DataFrame, known: Sequence[str]) -> pl.DataFrame:
    """The frame with columns of known names called so, however their case and spaces are written."""
    folded: dict[str, list[str]] = {}
    for column in frame.columns:
        folded.setdefault(column.strip(SPACES).casefold(), []).append(column)
    names = {}
    for name in known:
        fits = folded.get(name.casefold(), [])
        if name not in frame.columns and len(fits) == 1:
            names[fits[0]] = name
    return frame.rename(names)


def as_text(table: TableFile) -> TableFile:
    """A table of parquet as text, as it would be in a CSV."""
    plain = []
    for series in table.frame:
        if series.dtype.is_float():
            whole = series.is_null() | series.is_nan() | ((series == series.round()) & (series.abs() < 2**53))
            plain.append((series.fill_nan(None).cast(pl.Int64) if whole.all() else series).cast(pl.String))
        elif isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone:
            plain.append(series.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00"))
        else:
            plain.append(series.cast(pl.String))
    frame = pl.DataFrame(plain).with_columns(pl.all().replace(["", *MISSING], None))
    return replace(table, frame=frame)


def inferred(table: TableFile, *, texts: Sequence[str] = ()) -> pl.DataFrame:
    """A table with numbers and truths as such, by whole columns other than `texts`; parquet keeps its types."""
    return table.frame.with_columns(
        _inferred(series, table.decimal_comma)
        for series in table.frame
        if series.name not in texts and series.dtype == pl.String
    )


def _inferred(series: pl.Series, decimal_comma: bool) -> pl.Series:
    pointed = series.str.replace(r"^([+-]?\d+),(\d+)$", "${1}.${2}") if decimal_comma else series
    for kind in (pl.Int64, pl.Float64):
        cast = pointed.cast(kind, strict=False)
        if cast.null_count() == series.null_count() < len(series):
            return cast
    lower = series.str.to_lowercase()
    return lower == "true" if lower.drop_nulls().is_in(["true", "false"]).all() and series.count() else series
