"""One table as text: a CSV or TSV file goes in; SQL that reads exactly its columns, as text, comes out.

Nothing is guessed from the rows, so that one that does not fit is an error and not another dialect: the header says
what separates the columns and how many there are. Only between tabs are quotes plain characters, as in OMOP's
vocabularies.
"""

import csv
import gzip
from pathlib import Path

from semeia.archive.atomic import naming
from semeia.archive.duck import literal, one_file
from semeia.archive.text_table import SEPARATORS
from semeia.errors import InputError

_LONGEST_HEADER = 1 << 20


def read_text(file: Path) -> str:
    """SQL for the rows of a text file, for a FROM clause.

    Raises:
        InputError: The file has no header, one that repeats a name, or is no text in UTF-8.
    """
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
            line = stream.readline(_LONGEST_HEADER).decode("utf-8-sig").rstrip("\r\n")
    except (UnicodeDecodeError, EOFError) as error:
        raise InputError(f"{file}: row 1 is no text in UTF-8 (UTF-16 is not read); save it as CSV in UTF-8.") from error
    separator = max(SEPARATORS, key=lambda mark: (line.count(mark), -SEPARATORS.index(mark)))
    names = [name.strip() for name in next(csv.reader([line], delimiter=separator), [])]
    folded = [name.lower() for name in names]
    if not names or "" in folded or len(set(folded)) < len(folded):
        raise InputError(f"{file}: row 1 must name each column, and no two alike.")
    return separator, names
