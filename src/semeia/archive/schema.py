"""The archive's tables as code: a frame goes in; the same in declared types, or one clear error, comes out.

The descriptions here are the reference for what every column means; nothing else defines them.
"""

from dataclasses import dataclass

import polars as pl

from semeia.errors import InputError

SCHEMA_VERSION = 1
SPLITS = ("train", "val", "test")
INTENSITIES = ("hu", "per_slice_stretched", "display")


@dataclass(frozen=True)
class Column:
    """One column: its polars type, whether it may be empty, and what it means."""

    name: str
    dtype: pl.DataType
    nullable: bool
    doc: str


@dataclass(frozen=True)
class Table:
    """One table. `key` names the columns that identify a row; `open_ended` tables may carry covariates."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    doc: str
    open_ended: bool = False

    def empty(self) -> pl.DataFrame:
        """A frame of this table without rows."""
        return pl.DataFrame(schema={column.name: column.dtype for column in self.columns})


_TIME = pl.Datetime("us")
_UNIT = Column("unit_id", pl.String(), False, "what is predicted on")
_SUBJECT = Column("subject_id", pl.Int64(), False, "the patient, numbered in order of arrival")

SUBJECTS = Table(
    "subjects",
    (
        _SUBJECT,
        Column("pseudonym", pl.String(), False, "keyed hash of site and original id"),
        Column("site", pl.String(), True, "hospital or scanner maker the patient comes from"),
        Column("sex", pl.String(), True, "as given"),
        Column("birth", pl.Date(), True, "date of birth"),
        Column("split", pl.String(), True, "fixed split from the user's table: train, val or test"),
    ),
    ("subject_id",),
    "One row a patient.",
    open_ended=True,
)
UNITS = Table(
    "units",
    (
        _UNIT,
        _SUBJECT,
        Column("kind", pl.String(), False, "nodule, image, patient, ..."),
        Column("time", _TIME, True, "when it was observed"),
        Column("region", pl.String(), True, "body region"),
    ),
    ("unit_id",),
    "One row a thing predicted on; further columns are covariates. A patient unit's id is the pseudonym.",
    open_ended=True,
)
IMAGES = Table(
    "images",
    (
        Column("image_id", pl.String(), False, "unit and kind"),
        _UNIT,
        _SUBJECT,
        Column("time", _TIME, True, "when it was taken"),
        Column("kind", pl.String(), False, "img8, hu, mask or picture"),
        Column(
            "intensity",
            pl.String(),
            False,
            "hu, per_slice_stretched (min-max each) or display",
        ),
        Column(
            "shape",
            pl.List(pl.Int64()),
            False,
            "x, y, z of volumes; rows, columns of pictures",
        ),
        Column("dtype", pl.String(), False, "numpy name of the pixel type, little endian"),
        Column("spacing", pl.List(pl.Float64()), True, "mm along each axis"),
        Column("orientation", pl.String(), True, "axis codes, such as RAS; empty for pictures"),
        Column("affine", pl.List(pl.Float64()), True, "16 numbers, row by row: voxel to mm"),
        Column("part", pl.String(), False, "the pixel file"),
        Column("offset", pl.Int64(), False, "first byte in the pixel file"),
        Column("sha256", pl.String(), False, "of type, shape and pixels"),
        Column("phash", pl.String(), False, "64-bit difference hash of the middle slice, 16 hex digits"),
    ),
    ("image_id",),
    "One row an image.",
)
READINGS = Table(
    "readings",
    (
        _UNIT,
        _SUBJECT,
        Column("reader", pl.String(), False, "who read it: input, input_opinion, ..."),
        Column("item", pl.String(), False, "what was rated"),
        Column("value", pl.Float64(), False, "the rating"),
    ),
    ("unit_id", "reader", "item"),
    "One row a rating of a unit by a reader.",
)
REPORTS = Table(
    "reports",
    (_UNIT, _SUBJECT, Column("text", pl.String(), False, "the report")),
    ("unit_id",),
    "One row a written report.",
)
OUTCOMES = Table(
    "outcomes",
    (
        _UNIT,
        _SUBJECT,
        Column("prediction_time", _TIME, True, "everything up to and including it may be seen"),
        Column("value", pl.Float64(), False, "0 or 1, or an integer grade"),
    ),
    ("unit_id",),
    "One row a labelled unit; one such table an outcome.",
)
TABLES = {table.name: table for table in (SUBJECTS, UNITS, IMAGES, READINGS, REPORTS, OUTCOMES)}


def check(table: Table, frame: pl.DataFrame, *, where: str) -> pl.DataFrame:
    """Hold `frame` against `table`: cast, order the columns, refuse what does not fit.

    Args:
        table: One of `TABLES`.
        frame: Rows to check.
        where: What to call the frame in a message (a file, as a rule).

    Returns:
        The declared columns in declared order and type, then the covariates of an open-ended table.

    Raises:
        InputError: A column is missing, unknown, of another type, empty where it may not be; a key repeats.
    """
    names = [column.name for column in table.columns]
    absent = [
        column.name for column in table.columns if column.name not in frame.columns and not column.nullable
    ]
    if absent:
        raise InputError(f"{where}: the table '{table.name}' lacks the column(s) {', '.join(absent)}.")
    further = [name for name in frame.columns if name not in names]
    if further and not table.open_ended:
        raise InputError(f"{where}: the table '{table.name}' has no column(s) {', '.join(further)}.")
    typed = [_typed(column, frame, where=f"{where}: {table.name}") for column in table.columns]
    checked = pl.DataFrame(typed).with_columns(frame.select(further)) if further else pl.DataFrame(typed)
    repeated = int(checked.select(table.key).is_duplicated().sum())
    if repeated:
        raise InputError(f"{where}: {repeated} rows of '{table.name}' repeat a key ({', '.join(table.key)}).")
    return checked


def _typed(column: Column, frame: pl.DataFrame, *, where: str) -> pl.Series:
    if column.name not in frame.columns:
        return pl.Series(column.name, [None] * frame.height, dtype=column.dtype)
    try:
        series = frame[column.name].cast(column.dtype)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{where}: the column '{column.name}' is not {column.dtype}.") from error
    empty = series.null_count()
    if empty and not column.nullable:
        raise InputError(f"{where}: the column '{column.name}' is empty in {empty} rows.")
    return series
