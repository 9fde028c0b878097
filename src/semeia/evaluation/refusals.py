"""One clear line for rows that cannot be used: the column, the first such row, why, and how many there are."""

import polars as pl

from semeia.errors import InputError


def refuse_rows(bad: pl.Series, name: str, words: str) -> None:
    """Raise InputError when any row is `bad`; `words` say what is wrong with it. The first row of data is row 1."""
    count = int(bad.sum())
    if count:
        raise InputError(f"column {name}, row {bad.arg_true()[0] + 1}: {words} ({count} of {len(bad)} rows).")
