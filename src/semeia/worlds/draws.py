"""Draw the random numbers of one unit from a seed and names, so that no other unit can disturb them."""

import hashlib

import numpy as np
import polars as pl

from semeia.errors import InputError


def generator(seed: int, *names: str) -> np.random.Generator:
    """A generator that depends on the seed and the names alone, not on which other units there are."""
    digest = hashlib.sha256("\x1f".join(names).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])


def require_columns(frame: pl.DataFrame, *columns: str) -> None:
    """Refuse a frame that lacks a column, or has an empty cell in one."""
    for column in columns:
        if column not in frame.columns:
            raise InputError(f"the frame lacks the column '{column}'.")
        if frame[column].null_count():
            raise InputError(f"the column '{column}' is empty in {frame[column].null_count()} rows.")


def with_grades(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame, its column `grade` as whole numbers (an archive's labels are real ones)."""
    require_columns(frame, "grade")
    grades = frame["grade"].cast(pl.Float64, strict=False)
    if not grades.is_in([0.0, 1.0, 2.0, 3.0, 4.0]).fill_null(False).all():
        raise InputError("the column 'grade' must be 0 to 4.")
    return frame.with_columns(grades.cast(pl.Int64))
