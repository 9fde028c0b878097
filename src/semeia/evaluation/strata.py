"""Cut a table into the rows a result speaks of: all, those where a condition holds (where.py), levels of a column.

Subgroups are bands of a number, values of anything else, and "missing". Bands of age and of a lesion's diameter are
where clinical practice cuts; other numbers are cut into thirds of units.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from semeia.archive.column_names import quoted
from semeia.errors import InputError
from semeia.evaluation.notes import Notes
from semeia.evaluation.schema import BLOCK, EVERY_ROW, UNIT
from semeia.evaluation.shapes import Mask
from semeia.evaluation.where import parse_condition

MOST_LEVELS = 40
IDENTIFYING = {"subject_id", "unit_id"}
# Diameter: the cut points of the Fleischner Society (2017) and Lung-RADS, 30 mm where a nodule becomes a mass. Age: 50
# where screening begins, 65 and 75 where trials of older patients do.
CUT_POINTS: dict[str, tuple[float, ...]] = {"age": (50.0, 65.0, 75.0), "diameter_mm": (6.0, 8.0, 15.0, 30.0)}
# A number with so few values is a count or a grade: each value is a level.
FEW_VALUES = 5
MISSING = "missing"
KNOWN = ("sex", "age", "site", "manufacturer", "diameter_mm", "n_scans", "record_density")


@dataclass(frozen=True)
class Stratum:
    """A part of the table: its name and a mask over the table's rows."""

    text: str
    rows: Mask


def strata(frame: pl.DataFrame, *, where: str | None = None, by: str | None = None) -> list[Stratum]:
    """The strata of a table: `all` (or the text of `where`), then one for each value of the column `by`."""
    whole = Stratum(EVERY_ROW, np.ones(frame.height, dtype=bool)) if where is None else _where(frame, where)
    if by is None:
        return [whole]
    prefix = "" if where is None else f"({where}) AND "
    levels = [Stratum(f"{prefix}{by}={part.text}", part.rows & whole.rows) for part in _values(frame, by)]
    return [whole, *(level for level in levels if level.rows.any())]


def _where(frame: pl.DataFrame, where: str) -> Stratum:
    try:
        condition = parse_condition(where, frame.select(pl.exclude("^_.*$")))
    except InputError as error:
        raise InputError(f"--where '{where}' {error}; the columns are: {_columns(frame)}.") from error
    rows = frame.select(_where=condition)["_where"]
    # a condition of literals alone is one value, whatever the rows.
    rows = pl.repeat(rows[0], frame.height, dtype=pl.Boolean, eager=True) if len(rows) != frame.height else rows
    mask = rows.fill_null(False).to_numpy()
    if not mask.any():
        raise InputError(f"--where '{where}' holds for none of the {frame.height} rows.")
    return Stratum(where, mask)


def _values(frame: pl.DataFrame, by: str) -> list[Stratum]:
    if by not in frame.columns:
        raise InputError(f"--by '{by}' is not a column; the columns are: {_columns(frame)}.")
    if by in IDENTIFYING:
        raise InputError(f"--by {by} would name patients in the results; choose another column.")
    values = frame[by].n_unique()
    if values > MOST_LEVELS:
        raise InputError(f"--by {by} has {values} values (at most {MOST_LEVELS}); use --where with a range.")
    return _each_value(frame[by])


def _columns(frame: pl.DataFrame) -> str:
    return quoted([name for name in frame.columns if not name.startswith("_")])


def subgroup_columns(table: pl.DataFrame, named: tuple[str, ...], notes: Notes) -> dict[str, list[Stratum]]:
    """The levels of each named column; by default of those of KNOWN that are there."""
    absent = [name for name in named if name not in table.columns or name in IDENTIFYING]
    if absent:
        known = quoted([name for name in table.columns if name not in IDENTIFYING])
        raise InputError(f"subgroups by {', '.join(absent)} cannot be made; choose among the columns: {known}.")
    found: dict[str, list[Stratum]] = {}
    cuts: dict[frozenset[bytes], str] = {}  # two columns may cut the rows in the same way, whatever their levels' names
    for column in named or [name for name in KNOWN if name in table.columns]:
        parts = levels(table, column)
        if not parts:
            notes.add("subgroups left out, the column has more than 40 values, dates or lists", column)
        elif (cut := frozenset(part.rows.tobytes() for part in parts)) in cuts:
            notes.add(f"subgroups by {column} left out, they are those by {cuts[cut]}")
        elif len(parts) > 1:
            found[column], cuts[cut] = parts, column
    return found


def levels(table: pl.DataFrame, column: str) -> list[Stratum]:
    """The levels of a column in their order, each with a mask over the table's rows; those without rows are left out.

    A column of more than 40 values that are not numbers, or of dates or lists, has none.
    """
    values = table[column]
    if values.dtype.is_temporal() or values.dtype.is_nested() or values.dtype == pl.Object:
        return []
    if values.dtype.is_float():
        values = values.fill_nan(None)
    distinct = values.drop_nulls().unique().sort()
    number = values.dtype.is_numeric()
    if number and (column in CUT_POINTS or len(distinct) > FEW_VALUES):
        cuts = CUT_POINTS.get(column) or _thirds(table.with_columns(values), column)
        found = _bands(values, cuts)
    elif len(distinct) > MOST_LEVELS:
        return []
    else:
        return _each_value(values)
    return [level for level in [*found, Stratum(MISSING, values.is_null().to_numpy())] if level.rows.any()]


def _each_value(values: pl.Series) -> list[Stratum]:
    """The rows of each value in order, and those where it is missing, if there are any."""
    distinct = values.drop_nulls().unique().sort()
    found = [Stratum(str(value), (values == value).fill_null(False).to_numpy()) for value in distinct]
    return [*found, *([Stratum(MISSING, values.is_null().to_numpy())] if values.null_count() else [])]


def _thirds(table: pl.DataFrame, column: str) -> tuple[float, ...]:
    """Two cut points, rounded to three digits; a cut is a rule to be read, and never one patient's value."""
    units = table.unique([*BLOCK, "cohort", *UNIT], maintain_order=True)[column].drop_nulls().to_numpy()
    return tuple(dict.fromkeys(float(f"{cut:.3g}") for cut in np.quantile(units, [1 / 3, 2 / 3])))


def _bands(values: pl.Series, cuts: tuple[float, ...]) -> list[Stratum]:
    ends = [-np.inf, *cuts, np.inf]
    words = [
        f"below {cuts[0]:g}",
        *(f"{low:g} to below {high:g}" for low, high in pairwise(cuts)),
        f"{cuts[-1]:g} and above",
    ]
    within = [((values >= low) & (values < high)).fill_null(False).to_numpy() for low, high in pairwise(ends)]
    return [Stratum(text, rows) for text, rows in zip(words, within, strict=True)]
