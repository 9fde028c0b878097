"""What is known of codes beforehand: a table by the user or by a source goes in; checked facts come out."""

from pathlib import Path

import polars as pl

from semeia.archive.schema import MODES
from semeia.errors import InputError
from semeia.readers.rows import read_rows

_NAMES = ("name", "description")  # ours and MEDS's


def read_codes(path: str | Path) -> pl.DataFrame:
    """Read a table (.csv, .tsv, .parquet) of codes: code and any of mode, name (or description), unit, fill.

    Returns:
        Columns code, mode, name, unit, fill; empty where nothing is said. The first row of a code counts.

    Raises:
        InputError: No such table, no column 'code', a mode that is none, a fill that is no number.
    """
    facts = []
    known = ("mode", *_NAMES, "unit", "fill")
    for row in read_rows(path, required=["code"], known=known, verbatim=("code", *_NAMES, "unit")):
        mode = row.cells.get("mode")
        if mode is not None and mode not in MODES:
            raise row.error("mode", f"must be one of {', '.join(MODES)}.")
        name = next((row.cells[column] for column in _NAMES if row.cells.get(column)), None)
        facts.append((row.cells["code"], mode, name, row.cells.get("unit"), row.number_or_none("fill")))
    if not facts:
        raise InputError(f"{path}: has no rows.")
    kinds = {"code": pl.String, "mode": pl.String, "name": pl.String, "unit": pl.String, "fill": pl.Float64}
    table = pl.DataFrame(facts, schema=kinds, orient="row").drop_nulls("code")
    return table.unique("code", keep="first", maintain_order=True)
