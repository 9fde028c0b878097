"""Write and read the further tables of an evaluation: tables/<name>.csv beside results.csv."""

from pathlib import Path

import polars as pl

from semeia.archive.atomic import naming, replacing
from semeia.errors import InputError

FOLDER = "tables"
# Columns of names, which stay as they are written even where all of them look like numbers.
NAMES = ("study", "outcome", "cohort", "stratum", "arm", "mode", "reference", "site", "level")


def write_tables(run: Path, tables: dict[str, pl.DataFrame]) -> None:
    """Write each table; those of an earlier evaluation that are not among them are removed.

    Raises:
        InputError: the folder cannot be written to.
    """
    folder = run / FOLDER
    with naming(folder, "written"):
        if tables:
            folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("*.csv"):
            if path.stem not in tables:
                path.unlink()
    for name, table in tables.items():
        with replacing(folder / f"{name}.csv") as temporary:
            table.write_csv(temporary)


def read_tables(run: Path) -> dict[str, pl.DataFrame]:
    """Tabulate the tables of a run by name; none where it has none.

    Raises:
        InputError: a table cannot be read.
    """
    found = {}
    for path in sorted((run / FOLDER).glob("*.csv")):
        try:
            header = pl.read_csv(path, n_rows=0).columns
            names = {name: pl.String for name in NAMES if name in header}
            found[path.stem] = pl.read_csv(path, schema_overrides=names, infer_schema_length=None)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise InputError(f"{path}: not readable as CSV ({str(error).splitlines()[0]})") from error
    return found
