"""Name which rows a result speaks of: all, those where a condition holds (where.py), or each value of a column."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from semeia.errors import InputError
from semeia.evaluation.schema import EVERY_ROW
from semeia.evaluation.shapes import Mask
from semeia.evaluation.where import parse_condition

MOST_LEVELS = 40
IDENTIFYING = {"subject_id", "unit_id"}


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
    levels = [Stratum(f"{prefix}{by}={value}", mask & whole.rows) for value, mask in _levels(frame, by)]
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


def _levels(frame: pl.DataFrame, by: str) -> list[tuple[str, Mask]]:
    if by not in frame.columns:
        raise InputError(f"--by '{by}' is not a column; the columns are: {_columns(frame)}.")
    if by in IDENTIFYING:
        raise InputError(f"--by {by} would name patients in the results; choose another column.")
    values = frame[by].unique().sort()
    if len(values) > MOST_LEVELS:
        raise InputError(f"--by {by} has {len(values)} values (at most {MOST_LEVELS}); use --where with a range.")
    known = values.drop_nulls()
    pairs = [(str(value), (frame[by] == value).fill_null(False).to_numpy()) for value in known]
    if len(known) < len(values):
        pairs.append(("missing", frame[by].is_null().to_numpy()))
    return pairs


def _columns(frame: pl.DataFrame) -> str:
    return ", ".join(name for name in frame.columns if not name.startswith("_"))
