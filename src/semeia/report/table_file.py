"""Write a table into a file that the user named, .csv or .parquet; a file that is there is never replaced."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from semeia.archive.atomic import write_csv, write_parquet
from semeia.errors import InputError


def table_writer(path: Path) -> Callable[[pl.DataFrame], None]:
    """Return what writes a table to `path`; to be asked for before the table is made, which may take hours.

    Raises:
        InputError: there is something at `path`, or the suffix is another.
    """
    if path.exists():
        raise InputError(f"{path}: is there already and is not overwritten; name another file with --out.")
    if path.suffix == ".parquet":
        return lambda table: write_parquet(path, table)
    if path.suffix != ".csv":
        raise InputError(f"{path}: a table is written as .csv or .parquet; name such a file with --out.")

    return lambda table: write_csv(path, table)
