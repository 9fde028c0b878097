"""Ingest any other record: a folder of tables, and a mapping that says what they mean.

Mappings for eICU, MIMIC-III and Synthea come with the package; `docs/how-to/records.md` shows how to write one.
"""

from pathlib import Path

from semeia.archive import PRIVACY, Privacy, Summary, writing
from semeia.readers.records.code_facts import read_codes
from semeia.readers.records.mapping import read_mapping
from semeia.readers.records.record import opened, take
from semeia.readers.records.sources import tables_in
from semeia.readers.rows import folder_given


def ingest_table(
    folder: str | Path,
    *,
    mapping: str | Path,
    into: str | Path,
    key: str | Path | None = None,
    settings: Privacy = PRIVACY,
    codes: str | Path | None = None,
) -> Summary:
    """Read the tables of a record, as a mapping explains them, into an archive.

    Args:
        folder: The tables: .parquet, .csv, .csv.gz, .tsv or .tsv.gz, or a folder of such files a table.
        mapping: A mapping that comes with the package (eicu, mimic3, synthea, synthea_csv) or a YAML file.

    Raises:
        InputError: Names the mapping's entry, the table or the file. Nothing is written then.
    """
    source = folder_given(folder)
    meaning = read_mapping(mapping)
    known = None if codes is None else read_codes(codes)
    notes = {"window": dict(meaning.window)} if meaning.window else {}
    with (
        writing(into, source=meaning.name, key=key, notes=notes, privacy=settings) as draft,
        opened(draft, source) as connection,
    ):
        take(draft, connection, meaning, tables=tables_in(source), codes=known)
    return draft.summary
