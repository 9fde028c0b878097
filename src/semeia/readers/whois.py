"""Find the hospital's id behind a pseudonym, with the hospital's list of ids and the key.

An archive stores no id, so nobody can turn a pseudonym back without both the key and a table that holds the id.
"""

from pathlib import Path

import polars as pl

from semeia.archive import open_archive
from semeia.archive.register import register_of
from semeia.errors import InputError
from semeia.progress import warn
from semeia.readers.rows import read_rows

_NAMED = ("pseudonym", "subject_id")


def whois(
    archive: Path,
    *,
    table: Path,
    subject: str,
    pseudonym: str = "",
    of: Path | None = None,
    key: Path | None = None,
) -> pl.DataFrame:
    """Say which of the hospital's ids stand behind pseudonyms. The answer goes to the terminal and nowhere else.

    Args:
        table: The hospital's table that holds the ids, such as the one that was ingested (.csv, .tsv or .parquet).
        subject: Its column with the ids.
        pseudonym: Who is asked for; several are joined by commas.
        of: Or a table that names them in a column pseudonym or subject_id, such as predictions.

    Returns:
        pseudonym, id and row (where the table has it first), one row a patient who was found, in the order asked for.

    Raises:
        InputError: There is no key, nobody is asked for, or nobody was found.
    """
    opened = open_archive(archive)
    register = register_of(opened, key=key)
    asked = [name.strip() for name in pseudonym.split(",") if name.strip()] + ([] if of is None else _named(of))
    if not asked:
        raise InputError("nobody is asked for; give --pseudonym, or --of a table that names pseudonyms.")
    asked = list(dict.fromkeys(asked))
    if unknown := sum(name not in register.numbers for name in asked):
        raise InputError(f"{archive}: {unknown} of {len(asked)} pseudonyms are not of this archive.")
    wanted, found = set(asked), {}
    for row in read_rows(table, required=(subject,)):
        original = row.cells[subject]
        for name in register.pseudonyms(original) if original else ():
            if name in wanted:
                found.setdefault(name, (original, row.number))
    if not found:
        raise InputError(f"{table}: holds none of the {len(asked)} patients in the column {subject}.")
    if len(found) < len(asked):
        warn(f"{len(asked) - len(found)} of {len(asked)} patients are not in {table}.")
    rows = [(name, *found[name]) for name in asked if name in found]
    return pl.DataFrame(rows, schema={"pseudonym": pl.String, "id": pl.String, "row": pl.Int64}, orient="row")


def _named(table: Path) -> list[str]:
    """The pseudonyms that a table names."""
    rows = read_rows(table, required=(), known=_NAMED)
    column = next((name for name in _NAMED if name in rows[0].cells), None)
    if column is None:
        raise InputError(f"{table}: has neither a column pseudonym nor subject_id.")
    return [name for row in rows if (name := row.cells[column])]
