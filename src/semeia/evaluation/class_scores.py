"""Check probabilities of several classes: the columns score_0, score_1, ... of a table of predictions.

An outcome of k classes (3 or more) has score_0 to score_{k-1}, null in none of its rows, and labels from 0 to k - 1. A
table may hold outcomes of both kinds: where an outcome has fewer classes, or is binary, the further columns are null. A
table with score_0 and score_1 alone is binary: its `score` is score_1.
"""

import re
from collections.abc import Iterable

import numpy as np
import polars as pl

from semeia.errors import InputError
from semeia.evaluation.shapes import Matrix


def refuse_rows(bad: pl.Series, name: str, words: str) -> None:
    """Raise InputError when any row is `bad`; `words` say what is wrong with it. The first row of data is row 1."""
    count = int(bad.sum())
    if count:
        raise InputError(f"column {name}, row {bad.arg_true()[0] + 1}: {words} ({count} of {len(bad)} rows).")


# Probabilities that were rounded to two decimals must pass; how many do not sum to 1 more closely is told.
ROUNDED, CLOSE = 0.005, 1e-3
BLOCK = ["study", "outcome"]


def class_columns(names: Iterable[str]) -> list[str]:
    """The columns score_0, score_1, ... among the names, in their order; InputError when a number is left out."""
    found = sorted((name for name in names if re.fullmatch(r"score_\d+", name)), key=lambda name: int(name[6:]))
    wanted = [f"score_{number}" for number in range(len(found))]
    if found != wanted:
        gap = next(name for name in wanted if name not in found)
        raise InputError(f"columns {', '.join(found)}: {gap} is missing; number the classes from 0 without gaps.")
    return found


def binary_of_two(frame: pl.DataFrame) -> pl.DataFrame:
    """A table whose only classes are score_0 and score_1 as a binary one: `score` is score_1. Others are unchanged."""
    columns = class_columns(frame.columns)
    if len(columns) == 1:
        raise InputError("column score_0 stands alone; give one `score`, or score_0, score_1, ... for every class.")
    if len(columns) != 2:
        return frame
    for name in columns:
        refuse_rows(frame[name].is_null(), name, "is missing")
    _check_probabilities(frame, columns, pl.repeat(2, frame.height, eager=True))
    return frame.with_columns(score=pl.col("score_1")).drop(columns)


def class_counts(frame: pl.DataFrame) -> pl.Series:
    """How many classes the outcome of each row has; 0 where it is binary."""
    columns = class_columns(frame.columns)
    if not columns:
        return pl.repeat(0, frame.height, dtype=pl.Int64, eager=True)
    given = pl.sum_horizontal(pl.col(name).is_not_null().cast(pl.Int64) for name in columns)
    return frame.select(given.max().over(BLOCK)).to_series()


def check_class_scores(frame: pl.DataFrame) -> None:
    """Refuse, naming column and row, probabilities that are missing, outside 0 to 1, or too far from summing to 1."""
    columns = class_columns(frame.columns)
    if not columns:
        return
    counts = class_counts(frame)
    for number, name in enumerate(columns):
        refuse_rows(frame[name].is_null() & (counts > number), name, "is missing")
    few = counts.is_between(1, 2)
    refuse_rows(few, "score_0", "belongs to an outcome of fewer than 3 classes, which is binary: give it one `score`")
    _check_probabilities(frame, columns, counts)


def loosely_summed(frame: pl.DataFrame) -> int:
    """How many rows have class probabilities that sum to 1 only roughly, as rounded ones do."""
    columns = class_columns(frame.columns)
    if not columns:
        return 0
    return int(((class_counts(frame) > 0) & (_from_one(frame, columns) > CLOSE)).sum())


def check_labels(label: pl.Series, counts: pl.Series) -> None:
    """Refuse labels other than 0 and 1 in a binary outcome and 0 to k - 1 in one of k classes; null may be anywhere."""
    binary = counts == 0
    known = label.is_not_null()
    words = "is neither 0 nor 1 (for more classes give their probabilities as score_0, score_1, ...)"
    values = label.filter(known & binary).unique().sort().to_list()
    if values in ([1.0, 2.0], [-1.0, 1.0]):
        words = f"labels are {values[0]:g} and {values[1]:g}: write 0 for negative and 1 for positive"
    refuse_rows(known & binary & ~label.is_in([0.0, 1.0]), "label", words)
    outside = (label < 0) | (label >= counts) | (label != label.floor())
    for classes in counts.filter(~binary).unique().sort():
        refuse_rows(known & (counts == classes) & outside, "label", f"is not a class from 0 to {classes - 1}")


def probabilities(frame: pl.DataFrame) -> Matrix:
    """Probabilities `[n, k]` of the rows of one outcome, as they were given; k is 0 for a binary outcome."""
    columns = class_columns(frame.columns)[: int(class_counts(frame).max() or 0)]  # pyright: ignore[reportArgumentType]
    # not divided by their sums: the last bits of a quotient would break ties.
    return frame.select(columns).to_numpy() if columns else np.zeros((frame.height, 0))


def _check_probabilities(frame: pl.DataFrame, columns: list[str], counts: pl.Series) -> None:
    for name in columns:
        refuse_rows(frame[name].is_nan().fill_null(False), name, "is missing")
        outside = ~frame[name].is_between(0.0, 1.0)
        refuse_rows(outside.fill_null(False), name, "is not a probability between 0 and 1")
    most = float(counts.max() or 0) * ROUNDED  # pyright: ignore[reportArgumentType]
    off = (counts > 0) & (_from_one(frame, columns) > counts * ROUNDED + 1e-6)
    refuse_rows(off, f"{columns[0]} to {columns[-1]}", f"do not sum to 1 within {most:g}")


def _from_one(frame: pl.DataFrame, columns: list[str]) -> pl.Series:
    """How far the probabilities of each row are from summing to 1."""
    return frame.select((pl.sum_horizontal(columns) - 1).abs()).to_series()
