"""Open the files of a health record as tables of SQL.

Cells of CSV and TSV (also gzipped) stay text, so that no later row can contradict a guess about a column; parquet is
taken as it is. A folder of parquet or CSV files is one table. Names are lower case here; SQL does not mind the case.

Nothing is guessed from the rows, so that one that does not fit is an error and not another dialect: the header says
what separates the columns and how many there are. Only between tabs are quotes plain characters, as in OMOP's
vocabularies.
"""

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from semeia.archive.atomic import naming
from semeia.archive.duck import literal, one_file, single
from semeia.archive.text_table import SEPARATORS
from semeia.bounds import most
from semeia.errors import InputError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pyarrow.parquet import FileMetaData

_RECORD = "a table of the record"
_SUFFIXES = (".parquet", ".csv", ".csv.gz", ".tsv", ".tsv.gz")


def read_text(file: Path) -> str:
    """SQL for the rows of a text file, for a FROM clause."""
    separator, names = _header(file)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    quote = "" if separator == "\t" else '"'
    return (
        f"read_csv({one_file(file)}, auto_detect = false, header = true, delim = {literal(separator)}, "
        f"quote = {literal(quote)}, escape = {literal(quote)}, nullstr = '', columns = {{{columns}}})"
    )


def _header(file: Path) -> tuple[str, list[str]]:
    """What separates the columns, and their names."""
    opener = gzip.open if file.name.lower().endswith(".gz") else open
    try:
        with naming(file, "read"), opener(file, "rb") as stream:
            line = stream.readline(most("SEMEIA_MOST_HEADER_BYTES")).decode("utf-8-sig").rstrip("\r\n")
    except zlib.error as error:
        raise InputError(f"{file}: damaged or cut short, no row of it was taken. Copy the file again.") from error
    except (UnicodeDecodeError, EOFError) as error:
        raise InputError(f"{file}: row 1 is no text in UTF-8 (UTF-16 is not read); save it as CSV in UTF-8.") from error
    separator = max(SEPARATORS, key=lambda mark: (line.count(mark), -SEPARATORS.index(mark)))
    names = [name.strip() for name in next(csv.reader([line], delimiter=separator), [])]
    folded = [name.lower() for name in names]
    if not names or "" in folded or len(set(folded)) < len(folded):
        raise InputError(f"{file}: row 1 must name each column, and no two alike.")
    return separator, names


def tables_in(folder: Path) -> dict[str, list[Path]]:
    """The files of each table in `folder`, by the lower-case name of the file or of the subfolder they are in."""
    found: dict[str, list[Path]] = {}
    for entry in sorted(folder.iterdir()):
        files = [entry] if entry.is_file() else sorted(file for file in entry.rglob("*") if file.is_file())
        files = [file for file in files if file.name.lower().endswith(_SUFFIXES)]
        if not files or entry.name.startswith("."):
            continue
        name = entry.name.split(".")[0].lower()
        if name in found:
            raise InputError(f"{entry}: {found[name][0].name} is the table '{name}', too; keep one of the two.")
        found[name] = files
    return found


def add_table(connection: "DuckDBPyConnection", name: str, files: list[Path], *, scratch: Path) -> int:
    """Make a view `name` of `files`; gives the number of files without rows.

    Text is parsed once, into a parquet file in `scratch`, since a view would parse it at every use.
    """
    empty = sum(_without_rows(file) for file in files)
    kinds = {file.name.lower().endswith(".parquet") for file in files}
    if len(kinds) > 1:
        raise InputError(f"{files[0].parent}: mixes parquet with text files; a table is one or the other.")
    with reading(str(files[0] if len(files) == 1 else files[0].parent)):
        if not kinds.pop():
            parsed = scratch / f"{name}.parquet"
            read = " UNION ALL BY NAME ".join(f"SELECT * FROM {read_text(file)}" for file in files)
            connection.execute(f"COPY ({read}) TO {literal(parsed)} (FORMAT parquet)").fetchall()
            files = [parsed]
        listed = ", ".join(one_file(file) for file in files)
        read = f"read_parquet([{listed}], union_by_name = true)"
        connection.execute(f'CREATE TEMP VIEW "{name}" AS SELECT * FROM {read}')
    return empty


def frame_of(connection: "DuckDBPyConnection", query: str) -> pl.DataFrame:
    """The rows of a query, all at once."""
    with reading(_RECORD):
        return pl.DataFrame(pl.from_arrow(connection.sql(single(connection, query)).to_arrow_table()))


def batches_of(connection: "DuckDBPyConnection", query: str, *, size: int = 1_000_000) -> Iterator[pl.DataFrame]:
    """The rows of a query, at most `size` at a time."""
    with reading(_RECORD):
        for batch in connection.sql(single(connection, query)).to_arrow_reader(size) or ():
            yield pl.DataFrame(pl.from_arrow(batch))


def columns_of(connection: "DuckDBPyConnection", name: str) -> dict[str, str]:
    """The columns of a table, in lower case, with their types in SQL."""
    with reading(name):
        return {str(row[0]).lower(): str(row[1]) for row in connection.execute(f'DESCRIBE "{name}"').fetchall()}


def type_of(connection: "DuckDBPyConnection", expression: str, source: str) -> str:
    """The SQL type of an expression over a source."""
    query = single(connection, f"SELECT {expression} AS it FROM {source}")
    return str(connection.execute(f"DESCRIBE {query}").fetchall()[0][1])


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn duckdb's complaints inside the block into an `InputError` about `what`, without cells of the data."""
    import duckdb

    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
        words = str(error).splitlines()[0].split(": ", 1)[-1].rstrip("!")
        raise InputError(f"{what}: {words}. Check the names of tables and columns.") from error
    except duckdb.PermissionException as error:
        raise InputError(f"{what}: reaches for a file outside the folder; a mapping may not.") from error
    except duckdb.ConversionException as error:
        raise InputError(f"{what}: a value is not of the type asked for; use TRY_CAST, which empties it.") from error
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException) as error:
        line = re.search(r"Line: (\d+)", str(error))
        if re.search(r"(?i)unicode|utf-?8", str(error)):
            place = f"row {line[1]}" if line else "a row"
            raise InputError(f"{what}: {place} is no text in UTF-8; save the table as CSV in UTF-8.") from error
        raise _damaged(what, error, f"; row {line[1]} does not fit its header" if line else "") from error
    except duckdb.Error as error:
        if type(error) is not duckdb.Error:  # what its reader of parquet says of a damaged page has no class of its own
            raise
        raise _damaged(what, error) from error


def _damaged(what: str, error: Exception, row: str = "") -> InputError:
    """The refusal of a damaged file, by its name where duckdb tells it."""
    file = re.search(r'file "([^"\n]+)"', str(error))
    named = Path(file[1]).name if file and what == _RECORD else what
    return InputError(f"{named}: damaged or cut short, no row of it was taken{row}. Copy the file again.")


def parquet_columns(file: Path) -> dict[str, str]:
    """The columns of a parquet file with their types in Arrow."""
    return {field.name: str(field.type) for field in _opened(file).schema.to_arrow_schema()}


def _without_rows(file: Path) -> bool:
    """Whether a file is a table without rows; one that is cut short is refused here, by its name."""
    if not file.stat().st_size:
        raise InputError(f"{file}: has 0 bytes, not even a header; no row was read. Copy the file again.")
    return file.name.lower().endswith(".parquet") and _opened(file).num_rows == 0


def _opened(file: Path) -> "FileMetaData":
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_metadata(file)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: damaged or cut short, no row of it was taken. Copy the file again.") from error
