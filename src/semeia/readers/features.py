"""Ingest frozen features of scans, or any vectors with dates, from a table with files of arrays or without.

Three ways they come: as columns of the table; as one .npy whose rows are the table's; as a folder of .npy files, or one
.npz, whose names stand in the table. A vector is [feature], or [region, feature] where a scan has several regions.
"""

import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive import PRIVACY, Archive, Privacy, Summary, Writer, open_archive, writing
from semeia.archive.hashing import array_sha256
from semeia.archive.identity import canonical
from semeia.archive.table_file import TableFile, read_table
from semeia.bounds import bounded
from semeia.errors import InputError
from semeia.progress import each
from semeia.readers.dates import PSEUDONYM
from semeia.readers.images.listed import Folder
from semeia.readers.rows import LEFT_OUT, Faults, Row, day_of, rows_of

REPEATED = "vectors repeat another of the same patient and date in every number, and were dropped"
ZEROS = "vectors have regions of zeros only: where these stand for nothing, write NaN instead"
EMPTY = "rows have no number at all and were left out"


def ingest_features(
    table: str | Path,
    *,
    into: str | Path,
    modality: str,
    subject: str,
    time: str | None = None,
    day_zero: str | None = None,
    site: str | None = None,
    columns: str | None = None,
    arrays: str | Path | None = None,
    file: str | None = None,
    key: str | Path | None = None,
    settings: Privacy = PRIVACY,
    skip_bad_rows: int = 0,
) -> Summary:
    """Read vectors of patients at dates into an archive.

    Args:
        table: CSV, TSV or parquet, one row a vector.
        modality: What they are called in the archive, such as sybil512.
        subject: Column with the patient's id, which is hashed; a column called pseudonym holds the archive's own.
        time: Column with the date, in ISO; a date without a time of day is the start of that day.
        day_zero: A date, where the column of dates counts days instead: day 0.
        site: Column with the hospital. The same id at two sites is two patients.
        columns: What the names of the columns with the numbers begin with, such as f (f000, f001, ...).
        arrays: Or where the numbers are: one .npy (its rows are those of the table), a folder of .npy, or one .npz.
        file: Column with the name of each row's file in that folder, or of its array in the .npz.

    Returns:
        What was added. In the archive the vectors belong to the patient, to be seen from their date on.

    Raises:
        InputError: Names up to ten rows, never the patient: a shape unlike the others, a number missing, two vectors
            of a patient without dates. Nothing is written then.
    """
    if (columns is None) == (arrays is None):
        raise InputError("say where the numbers are: --columns (of the table) or --arrays (files of NumPy).")
    if day_zero is not None and time is None:
        raise InputError("day_zero needs a column of dates; name it with --time.")
    roles = [name for name in (subject, time, site, file) if name is not None]
    given = read_table(table, required=roles)
    rows = rows_of(given, roles)
    there = open_archive(into) if (Path(into) / "archive.json").exists() else None
    faults, zero = Faults(skip=skip_bad_rows), day_of(day_zero)
    adding = Adding(modality, faults, shape=_shape_there(there, modality))
    with ExitStack() as held, writing(into, source=f"features: {modality}", key=key, privacy=settings) as draft:
        if columns is not None:
            vectors = _of_columns(given, columns, roles)
        else:
            vectors = _of_files(Path(str(arrays)), given, file, held)
        numbers = _numbers(there, draft, rows, subject, site)
        for place, row in enumerate(each(rows, "Reading vectors")):
            try:
                when = None if time is None else row.time(time, day_zero=zero)
                adding.add(draft, row, numbers(row), when, vectors(place, row))
            except InputError as error:
                faults.add(error)
                if faults.full:
                    break
        adding.settle(draft, whole=not faults.full)
    return draft.summary


@dataclass
class Adding:
    """Vectors on their way into a draft: all of one shape, each once."""

    modality: str
    faults: Faults
    shape: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        self.first: dict[object, tuple[Row, str]] = {}
        self.counted = dict.fromkeys((REPEATED, ZEROS, EMPTY), 0)

    def add(self, draft: Writer, row: Row, subject_id: int, time: object, vector: np.ndarray) -> None:
        """Add one, unless it is there; what cannot be is an `InputError` about the row."""
        if np.isnan(vector).all():
            self.counted[EMPTY] += 1
            return
        whole = np.atleast_2d(vector)
        gaps = ~(np.abs(whole) <= np.finfo(np.float32).max)  # as they are stored; NaN, too
        if (gaps.any(1) & ~np.isnan(whole).all(1)).any():
            raise _about(
                row, f"{int(gaps.sum())} of {vector.size} numbers are missing or not finite in single precision."
            )
        if self.shape is None:
            self.shape = vector.shape
        if vector.shape != self.shape:
            words = " x ".join(map(str, vector.shape)), " x ".join(map(str, self.shape))
            raise _about(row, f"has {words[0]} numbers where the others have {words[1]}.")
        sha = array_sha256(np.ascontiguousarray(vector, np.float32))
        other, same = self.first.setdefault((subject_id, time, sha if time else None), (row, sha))
        if other is not row:
            if same != sha:
                raise _about(row, f"is another vector of the patient in row {other.number}; name dates with --time.")
            self.counted[REPEATED] += 1
            return
        self.counted[ZEROS] += int((whole == 0).all(1).any())
        draft.array(vector, modality=self.modality, subject_id=subject_id, time=time)  # pyright: ignore[reportArgumentType]

    def settle(self, draft: Writer, *, whole: bool = True) -> None:
        """Raise what was found, unless it may be left out, and put the rest on record."""
        draft.count(LEFT_OUT, self.faults.settle(whole=whole))
        for words, number in self.counted.items():
            draft.count(words, number)


def numbered_columns(table: TableFile, prefix: str, others: Sequence[str] = ()) -> list[str]:
    """The columns whose names begin so, in the order of the numbers in their names."""
    table.require_plain([name for name in table.nested if name.startswith(prefix) and name not in others])
    names = [name for name in table.frame.columns if name.startswith(prefix) and name not in others]
    if not names:
        raise InputError(f"{table.name}: no column's name begins with '{prefix}'.")

    def by_numbers(name: str) -> list[tuple[int, str]]:
        parts = filter(None, re.split(r"(\d+)", name))
        return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]

    return sorted(names, key=by_numbers)


def numbers_of(table: TableFile, names: Sequence[str]) -> np.ndarray:
    """The numbers of some columns, float64 [row, column]; NaN where a cell is empty, infinite where it is no number."""
    wide = table.frame.select(names)
    if table.decimal_comma:
        wide = wide.with_columns(pl.col(pl.String).str.replace(r"^([+-]?\d+),(\d+)", "${1}.${2}"))
    cast = wide.select(
        pl.when(pl.col(name).is_null()).then(float("nan"))
        .otherwise(pl.col(name).cast(pl.Float64, strict=False).fill_null(float("inf"))).alias(name)
        for name in names
    )  # fmt: skip
    return cast.to_numpy()


def _of_columns(table: TableFile, prefix: str, roles: Sequence[str]) -> Callable[[int, Row], np.ndarray]:
    matrix = numbers_of(table, numbered_columns(table, prefix, roles))
    return lambda place, row: matrix[place]


def _of_files(source: Path, table: TableFile, column: str | None, held: ExitStack) -> Callable[[int, Row], np.ndarray]:
    """What gives each row's vector from files of NumPy; a file that stays open is closed with `held`."""
    if source.is_dir() or source.suffix == ".npz":
        if column is None:
            raise InputError(f"{source}: name the column that says which file (or array) is whose with --file.")
        if source.is_dir():
            where = Folder(source)
            return lambda place, row: _loaded(where.find(row, column), row, column)
        packed = held.enter_context(_opened(source))
        return lambda place, row: _loaded(packed, row, column)
    array = _opened(source)
    if array.ndim not in (2, 3) or len(array) != len(table.rows):
        shape = " x ".join(map(str, array.shape))
        raise InputError(f"{source}: holds {shape} numbers; the table has {len(table.rows)} rows, each needs one.")
    return lambda place, row: np.asarray(array[place], np.float64)


# What NumPy says of a damaged file. Its header is a line of Python; one that claims an absurd shape asks for memory.
_DAMAGED = (
    *(OSError, ValueError, EOFError, KeyError, TypeError, OverflowError, MemoryError, NotImplementedError),
    *(SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error, struct.error, RuntimeError),
)


def _opened(source: Path):
    if not source.is_file():
        raise InputError(f"{source}: no such file or folder.")
    try:
        if source.suffix == ".npz":
            with zipfile.ZipFile(source) as parts:
                size = sum(part.file_size for part in parts.infolist())
            claim = f"unpacks to {size} bytes"
            bounded(size, "SEMEIA_MOST_TABLE_BYTES", called=str(source), claim=claim, advice="divide it")
        return np.load(source, allow_pickle=False, mmap_mode=None if source.suffix == ".npz" else "r")
    except InputError:
        raise
    except _DAMAGED as error:
        raise InputError(f"{source}: is no array of numbers that NumPy has saved, or is damaged.") from error


def _loaded(source: Path | Mapping[str, np.ndarray], row: Row, column: str) -> np.ndarray:
    """The array of a row, from a file of its own or of many; its name, which may be of a patient, is not said."""
    name = row.text(column)
    if not isinstance(source, Path) and name not in source:
        raise row.error(column, "there is no such array in the file.")
    try:
        array = np.load(source, allow_pickle=False) if isinstance(source, Path) else source[name]
    except _DAMAGED as error:
        raise row.error(column, "is no array of numbers that NumPy has saved, or is damaged.") from error
    if not isinstance(array, np.ndarray):  # a file of several
        raise row.error(column, "is a file of several arrays; give it with --arrays.")
    if array.dtype.kind not in "fiu" or array.ndim not in (1, 2) or array.size == 0:
        shape = " x ".join(map(str, array.shape)) or "one number"
        raise row.error(
            column, f"holds {array.dtype.name}, {shape}; needed are numbers, [feature] or [region, feature]."
        )
    return array.astype(np.float64)


def _about(row: Row, words: str) -> InputError:
    return InputError(f"{row.table}, row {row.number}: {words}")


def _shape_there(archive: Archive | None, modality: str) -> tuple[int, ...] | None:
    """The shape that the archive's own arrays of the name have."""
    shapes = [] if archive is None else archive.arrays(modality)["shape"].to_list()
    return tuple(shapes[0]) if shapes else None


def _numbers(
    archive: Archive | None, draft: Writer, rows: Sequence[Row], subject: str, site: str | None
) -> Callable[[Row], int]:
    """What gives the number of a row's patient; new ones are numbered in the order of their ids."""
    if subject == PSEUDONYM:
        people = (
            {} if archive is None else dict(archive.table("subjects").select("pseudonym", "subject_id").iter_rows())
        )

        def known(row: Row) -> int:
            number = people.get(row.text(subject))
            if number is None:
                raise row.error(subject, "is no pseudonym of this archive.")
            return number

        return known

    def named(row: Row) -> tuple[str, str | None]:
        return canonical(row.identity(subject)), (row.cells[site] if site is not None else None)

    found: set[tuple[str, str | None]] = set()
    for row in rows:
        with suppress(InputError):  # told with the row when its vector is read
            found.add(named(row))
    ids = sorted(found, key=lambda one: (one[0], one[1] or ""))
    numbers = {one: draft.subject(one[0], site=one[1])[0] for one in ids}
    return lambda row: numbers[named(row)]
