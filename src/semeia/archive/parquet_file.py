"""Read a table of parquet that anybody may have written, or damaged.

At some damaged pages polars panics (what it raises is no `Exception`, and its native code writes a trace beside the one
line) or ends the process for want of memory. pyarrow refuses these pages; all is validated before polars takes it over.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from semeia.bounds import bounded
from semeia.errors import InputError

if TYPE_CHECKING:
    from pyarrow import Field


def read_parquet(path: Path, *, content: bytes | None = None, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a table of parquet.

    Args:
        content: Its bytes, where they were read already.
        columns: Those that are wanted; all by default.

    Raises:
        InputError: Damaged, cut short, or larger than is read at once (SEMEIA_MOST_TABLE_CELLS).
    """
    from pyarrow import ArrowException, Table, parquet

    try:
        with parquet.ParquetFile(io.BytesIO(content) if content is not None else path) as file:
            rows, width = file.metadata.num_rows, file.metadata.num_columns if columns is None else len(columns)
            claim = f"claims {rows} rows of {width} columns"
            cells = rows * max(width, 1)
            bounded(cells, "SEMEIA_MOST_TABLE_CELLS", called=str(path), claim=claim, advice="divide it")
            table = file.read(None if columns is None else list(columns))
        table.validate(full=True)
        for column in table.schema:
            _decode(column)
        return pl.DataFrame(pl.from_arrow(Table.from_arrays(table.columns, names=table.column_names)))
    except InputError:
        raise
    except (ArrowException, pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a table; it is damaged or cut short: copy it again.") from error


def _decode(column: "Field") -> None:
    """Raise a UnicodeDecodeError where a name or a time zone of a column is no UTF-8, at which polars panics."""
    _ = column.name, getattr(column.type, "tz", None)
    for number in range(column.type.num_fields):
        _decode(column.type.field(number))
