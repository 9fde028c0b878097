"""Check what a user or a source knows of codes beforehand."""

from pathlib import Path

import polars as pl

from semeia.archive.schema import MODES
from semeia.errors import InputError
from semeia.readers.records.sources import parquet_columns
from semeia.readers.rows import Row, read_rows

_NAMES = ("name", "description")  # ours and MEDS's
_READ = ("code", "mode", *_NAMES, "unit", "fill")


def read_codes(path: str | Path, *, may_be_empty: bool = False) -> pl.DataFrame:
    """Read a table (.csv, .tsv, .parquet) of codes: code and any of mode, name (or description), unit, fill.

    Args:
        path: The table; its further columns (lists of parents, structures) are not looked at.
        may_be_empty: Whether it may have no rows, as a source's own may.

    Returns:
        Columns code, mode, name, unit, fill; empty where nothing is said. The first row of a code counts.
    """
    facts = []
    for row in _rows(Path(path)):
        mode = row.cells.get("mode")
        if mode is not None and mode not in MODES:
            raise row.error("mode", f"must be one of {', '.join(MODES)}.")
        name = next((row.cells[column] for column in _NAMES if row.cells.get(column)), None)
        facts.append((row.cells["code"], mode, name, row.cells.get("unit"), row.number_or_none("fill")))
    if not facts and not may_be_empty:
        raise InputError(f"{path}: has no rows.")
    kinds = {"code": pl.String, "mode": pl.String, "name": pl.String, "unit": pl.String, "fill": pl.Float64}
    table = pl.DataFrame(facts, schema=kinds, orient="row").drop_nulls("code")
    return table.unique("code", keep="first", maintain_order=True)


def _rows(path: Path) -> list[Row]:
    if path.suffix != ".parquet" or not path.is_file():
        return read_rows(path, required=["code"], known=_READ[1:], verbatim=("code", *_NAMES, "unit"))
    there = parquet_columns(path)
    if "code" not in there:
        raise InputError(f"{path}: lacks the column 'code'; it has {', '.join(there) or 'none'}.")
    try:
        frame = pl.read_parquet(path, columns=[name for name in _READ if name in there], glob=False)
        frame = frame.select(pl.all().cast(pl.String).str.strip_chars().replace("", None))
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path}: {', '.join(_READ)} must be plain values.") from error
    return [Row(path.name, place, cells) for place, cells in enumerate(frame.iter_rows(named=True), start=2)]
