"""Declare the archive's tables as code, and check frames against them.

The descriptions here are the reference for what every column means; nothing else defines them.
"""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from semeia.errors import InputError

# 2: events and codes; 3: arrays, observations of a patient instead of a unit, what values an image has, its look
SCHEMA_VERSION = 3
SPLITS = ("train", "val", "test")
MODES = ("condition", "medication", "measurement", "demographic", "other")
BIRTH, DEATH = "MEDS_BIRTH", "MEDS_DEATH"
UNMAPPED = "UNMAPPED/"  # what a code begins with that the source itself could not map to a vocabulary
INTENSITIES = ("hu", "per_slice_stretched", "display", "arbitrary")


_TYPES = {
    "text": pl.String(),
    "whole": pl.Int64(),
    "real": pl.Float64(),
    "real32": pl.Float32(),
    "date": pl.Date(),
    "time": pl.Datetime("us"),
    "wholes": pl.List(pl.Int64()),
    "reals": pl.List(pl.Float64()),
}


@dataclass(frozen=True)
class Column:
    """One column: what it holds, whether it may be empty, and what it means."""

    name: str
    holds: Literal["text", "whole", "real", "real32", "date", "time", "wholes", "reals"]
    nullable: bool
    doc: str

    @property
    def dtype(self):  # polars' own name for its types is one beartype refuses in a hint
        """The polars type."""
        return _TYPES[self.holds]


@dataclass(frozen=True)
class Table:
    """One table. `key` names the columns that identify a row, if any; `open_ended` tables may carry covariates.

    Where parts `replace`, a later part may know more of a key: its row counts and the earlier one does not. Where keys
    are numbered part by part, `content` names the columns by which a row is known again.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    doc: str
    open_ended: bool = False
    replace: bool = False
    content: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns by which a row is known again in another part."""
        return self.content or self.key

    def empty(self) -> pl.DataFrame:
        """A frame of this table without rows."""
        return pl.DataFrame(schema={column.name: column.dtype for column in self.columns})


_UNIT = Column("unit_id", "text", False, "what is predicted on")
_SUBJECT = Column("subject_id", "whole", False, "the patient, numbered in order of arrival")
_OBSERVED = Column("unit_id", "text", True, "the unit it belongs to; empty: to all units of the patient, by its time")
_WHEN = Column("time", "time", True, "when it was observed")

SUBJECTS = Table(
    "subjects",
    (
        _SUBJECT,
        Column("pseudonym", "text", False, "keyed hash of site and original id"),
        Column("site", "text", True, "hospital or scanner maker the patient comes from"),
        Column("sex", "text", True, "as given"),
        Column("birth", "date", True, "date of birth"),
        Column("split", "text", True, "fixed split from the user's table: train, val or test"),
        Column("spelling", "text", True, "keyed hash of the id without case, spaces, separators and leading zeros"),
    ),
    ("subject_id",),
    "One row a patient.",
    open_ended=True,
    replace=True,
)
UNITS = Table(
    "units",
    (
        _UNIT,
        _SUBJECT,
        Column("kind", "text", False, "nodule, image, patient, ..."),
        Column("time", "time", True, "when it was observed"),
        Column("region", "text", True, "body region"),
    ),
    ("unit_id",),
    "One row a thing predicted on; further columns are covariates. A patient unit's id is the pseudonym.",
    open_ended=True,
)
IMAGES = Table(
    "images",
    (
        Column("image_id", "text", False, "unit (or patient) and kind"),
        _OBSERVED,
        _SUBJECT,
        _WHEN,
        Column("kind", "text", False, "img8, hu, mri, mask or picture; or the modality (flair, nbi, ...)"),
        Column(
            "intensity",
            "text",
            False,
            "hu, per_slice_stretched (min-max each), display, or arbitrary (no unit, each image on a scale of its own)",
        ),
        Column(
            "shape",
            "wholes",
            False,
            "x, y, z of volumes; rows, columns of pictures, then 3 where they have colours",
        ),
        Column("dtype", "text", False, "numpy name of the pixel type, little endian"),
        Column("spacing", "reals", True, "mm along each axis"),
        Column("orientation", "text", True, "axis codes, such as RAS; empty for pictures, and where it is unknown"),
        Column("affine", "reals", True, "16 numbers, row by row: voxel to mm"),
        Column("part", "text", False, "the pixel file"),
        Column("offset", "whole", False, "first byte in the pixel file"),
        Column("sha256", "text", False, "of type, shape and pixels"),
        Column("phash", "text", False, "64-bit difference hash of the middle slice, 16 hex digits"),
        Column("look", "text", True, "256-bit difference hash of the middle slice, 64 hex digits"),
        Column("percentiles", "reals", True, "0, 1, 10, 50, 90, 99 and 100 % of the values (archive/part/pixels.py)"),
        Column("bits", "whole", True, "bits that whole-numbered values take; empty for float32"),
        Column("format", "text", True, "of the file it came from: nifti, png or jpeg"),
    ),
    ("image_id",),
    "One row an image.",
)
READINGS = Table(
    "readings",
    (
        _OBSERVED,
        _SUBJECT,
        _WHEN,
        Column("reader", "text", False, "who read it: input, input_opinion, ..."),
        Column("item", "text", False, "what was rated"),
        Column("value", "real", False, "the rating"),
    ),
    ("unit_id", "subject_id", "time", "reader", "item"),
    "One row a rating by a reader.",
)
REPORTS = Table(
    "reports",
    (_OBSERVED, _SUBJECT, _WHEN, Column("text", "text", False, "the report")),
    ("unit_id", "subject_id", "time", "text"),
    "One row a written report.",
)
ARRAYS = Table(
    "arrays",
    (
        Column("array_id", "text", False, "modality and number"),
        _OBSERVED,
        _SUBJECT,
        _WHEN,
        Column("modality", "text", False, "what it is: a signal, features of a scan, signature expressions, ..."),
        Column("shape", "wholes", False, "as stored: [features], [region, feature], [lead, sample]"),
        Column("dtype", "text", False, "numpy name of the type, little endian"),
        Column("part", "text", False, "the pixel file"),
        Column("offset", "whole", False, "first byte in the pixel file"),
        Column("sha256", "text", False, "of type, shape and content"),
    ),
    ("array_id",),
    "One row an observation that is an array and no image.",
    content=("unit_id", "subject_id", "time", "modality", "sha256"),
)
OUTCOMES = Table(
    "outcomes",
    (
        _UNIT,
        _SUBJECT,
        Column("prediction_time", "time", True, "everything up to and including it may be seen"),
        Column("value", "real", False, "0 or 1, or an integer grade"),
    ),
    ("unit_id",),
    "One row a labelled unit; one such table an outcome.",
)
EVENTS = Table(
    "events",
    (
        _SUBJECT,
        Column("time", "time", True, "UTC or local time without a zone; empty for what has no time, such as sex"),
        Column("code", "text", False, "what happened, in the words of the source; MEDS_BIRTH and MEDS_DEATH"),
        Column("numeric_value", "real32", True, "the value, where there is one"),
        Column("text_value", "text", True, "the value, where it is text"),
    ),
    (),
    "One row an event (MEDS 0.4), sorted by all columns, empty first. Read in batches: there may be billions.",
)
CODES = Table(
    "codes",
    (
        Column("code", "text", False, "as in the events"),
        Column("mode", "text", False, "condition, medication, measurement, demographic or other"),
        Column("name", "text", True, "readable name"),
        Column("unit", "text", True, "unit of the values; several are joined by ' | '"),
        Column("fill", "real", True, "value to assume where nothing is known, if the source says one"),
        Column("rule", "text", False, "what decided the mode"),
    ),
    ("code",),
    "One row a code of the events.",
    replace=True,
)
TABLES = {table.name: table for table in (SUBJECTS, UNITS, IMAGES, READINGS, REPORTS, ARRAYS, OUTCOMES, EVENTS, CODES)}


def check(table: Table, frame: pl.DataFrame, *, where: str) -> pl.DataFrame:
    """Hold `frame` against `table`: cast, order the columns, refuse what does not fit.

    Args:
        where: What to call the frame in a message (a file, as a rule).

    Returns:
        The declared columns in declared order and type, then the covariates of an open-ended table.

    Raises:
        InputError: A column is missing, unknown, of another type, empty where it may not be; a key repeats.
    """
    names = [column.name for column in table.columns]
    absent = [column.name for column in table.columns if column.name not in frame.columns and not column.nullable]
    if absent:
        raise InputError(f"{where}: the table '{table.name}' lacks the column(s) {', '.join(absent)}.")
    further = [name for name in frame.columns if name not in names]
    if further and not table.open_ended:
        raise InputError(f"{where}: the table '{table.name}' has no column(s) {', '.join(further)}.")
    typed = [_typed(column, frame, where=f"{where}: {table.name}") for column in table.columns]
    checked = pl.DataFrame(typed).with_columns(frame.select(further)) if further else pl.DataFrame(typed)
    repeated = int(checked.select(table.key).is_duplicated().sum()) if table.key else 0
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
