"""Bring a mapped health record into a draft: subjects, events, codes.

Nothing is done row by row in Python but numbering the patients: duckdb reads, maps and counts, and events pass
through in batches. What is left out or mended is counted on the part's record.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from semeia.archive import Writer
from semeia.archive.atomic import PARTIAL
from semeia.archive.duck import connected, limited, literal, single
from semeia.archive.identity import ROUNDED
from semeia.errors import InputError
from semeia.readers.records.cells import HOW, add_macros, utc
from semeia.readers.records.code_facts import say_codes
from semeia.readers.records.labels import Stays, add_outcome, add_units
from semeia.readers.records.mapping import Events, Mapping, People
from semeia.readers.records.sources import add_table, batches_of, frame_of, reading, type_of
from semeia.readers.records.staging import stage, warn_of_loss

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_EXACT = {"DOUBLE": 2**53, "FLOAT": 2**24}
_SEXES = {"m": "male", "male": "male", "8507": "male", "f": "female", "female": "female", "8532": "female"}


@contextmanager
def opened(draft: Writer, folder: Path) -> Iterator["DuckDBPyConnection"]:
    """A connection that can read `folder` only, and whose scratch space goes with the draft."""
    scratch = scratch_of(draft)
    scratch.mkdir(exist_ok=True)
    try:
        with connected(scratch, reads=folder) as connection:
            add_macros(connection)
            yield connection
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def take(
    draft: Writer,
    connection: "DuckDBPyConnection",
    mapping: Mapping,
    *,
    tables: dict[str, list[Path]],
    files: dict[str, list[Path]] | None = None,
    codes: pl.DataFrame | None = None,
) -> None:
    """Put a mapped record into a draft.

    Args:
        connection: From `opened`; may have tables of its own already.
        tables: The files of each table, by name; those that the mapping does not mention are not read.
        files: Those of tables that the connection has already, for messages.
        codes: What is known of codes beforehand, and goes before all rules: code and any of mode, name, unit, fill.

    Raises:
        InputError: The people's table is missing, a file is damaged, or the mapping does not fit; names which.
    """
    there = _prepare(draft, connection, mapping, tables)
    _number(draft, connection, mapping.people)
    entries = [entry for entry in mapping.events if _table_of(entry.source) in there]
    if (mapping.recorded or not mapping.outcomes) and not any(entry in mapping.recorded for entry in entries):
        raise InputError(f"{mapping.name}: none of the tables with events is in the folder.")
    if entries:
        _events(draft, connection, mapping, entries, files or tables, codes)
    stays: Stays = {}
    for units in mapping.units:
        stays |= add_units(draft, connection, units)
    for outcome in mapping.outcomes:
        add_outcome(draft, connection, outcome, stays)
    for words, query in mapping.counts.items():
        if _table_of(f"({query}") not in there:
            continue
        with reading(f"{mapping.name}, counts, {words}"), limited(connection, words):
            draft.count(words, int(frame_of(connection, query).item() or 0))


def _events(
    draft: Writer,
    connection: "DuckDBPyConnection",
    mapping: Mapping,
    entries: list[Events],
    files: dict[str, list[Path]],
    codes: pl.DataFrame | None,
) -> None:
    """Put the events of some entries into a draft, and say what their codes mean."""
    tallies = [
        stage(draft, connection, entry, place, files=files.get(_table_of(entry.source), []))
        for place, entry in enumerate(entries)
    ]
    apart = say_codes(draft, mapping, pl.concat(tallies), codes)
    connection.register("apart", apart.to_arrow(compat_level=pl.CompatLevel.oldest()))
    query = _EVENTS_APART if apart.height else _EVENTS
    for place, entry in enumerate(entries):
        with reading(f"{mapping.name}, {entry.label}"):
            for batch in batches_of(connection, query.format(place=place)):
                draft.events(batch)


_EVENTS = """
SELECT subject_id, time, code, value AS numeric_value, text AS text_value FROM staged_{place} WHERE why IS NULL
"""
_EVENTS_APART = """
SELECT s.subject_id, s.time, coalesce(a.other, s.code) AS code, s.value AS numeric_value, s.text AS text_value
FROM staged_{place} s LEFT JOIN apart a ON s.code = a.code AND s.unit = a.unit
WHERE s.why IS NULL
"""


def scratch_of(draft: Writer) -> Path:
    """Where a draft may put files that go with it."""
    return draft.path / f".record{PARTIAL}"


def _prepare(
    draft: Writer, connection: "DuckDBPyConnection", mapping: Mapping, tables: dict[str, list[Path]]
) -> set[str]:
    """Make the tables that the mapping mentions; the names of all there are."""
    for name, query in {**mapping.prepare, **mapping.counts}.items():  # those of absent tables, too
        with reading(f"{mapping.name}, {name}"):
            single(connection, query)
    words = set(re.findall(r"\w+", mapping.words()))
    for name in sorted(words & set(tables)):
        draft.count("files have no rows", add_table(connection, name, tables[name], scratch=scratch_of(draft)))
    listed = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
    there = {str(row[0]).lower() for row in listed}
    for name, query in mapping.prepare.items():
        if _table_of(f"({query}") in there:
            with reading(f"{mapping.name}, prepare {name}"), limited(connection, f"{mapping.name}, prepare {name}"):
                connection.execute(single(connection, f'CREATE TEMP TABLE "{name}" AS {query}')).fetchall()
            there.add(name.lower())
    for entry in (mapping.people, *mapping.units, *mapping.outcomes):
        if _table_of(entry.source) not in there:
            raise InputError(f"{mapping.name}: there is no table '{_table_of(entry.source)}' in the folder.")
    if absent := sorted({_table_of(entry.source) for entry in mapping.events} - there):
        draft.notes["tables not there"] = absent
    return there


def _table_of(source: str) -> str:
    """The table that a FROM clause begins with, in lower case; of a subquery the first that it selects from."""
    found = re.match(r'\s*"?(\w+)', source) or re.search(r'(?i)\bFROM\s+"?(\w+)', source)
    return found[1].lower() if found else ""


def _number(draft: Writer, connection: "DuckDBPyConnection", people: People) -> None:
    """Number the patients, in order of their original ids, into the table `numbered`."""
    with reading("people"), limited(connection, "people"):
        kind = type_of(connection, people.birth, people.source)
        _refuse_rounded(connection, people)
        facts = ", ".join(
            f"nullif(trim(CAST(({expression}) AS VARCHAR)), '') AS {name}"
            for name, expression in (("site", people.site), ("sex", people.sex), ("split", people.split))
        )
        frame = frame_of(
            connection,
            f"SELECT DISTINCT nullif(plain_id({people.subject}), '') AS original, {facts}, "
            f"CAST(believed({utc(people.birth, kind)}) AS DATE) AS birth, ({people.birth}) IS NOT NULL AS born "
            f"FROM {people.source} WHERE {people.where} ORDER BY original",
        )
    draft.count("patients without an id were left out", frame["original"].null_count())
    frame = frame.filter(pl.col("original").is_not_null())
    if frame.is_empty():
        raise InputError(f"{draft.source}: the people's table ({people.source[:40]}) names no patient.")
    lost = frame.filter(pl.col("born") & pl.col("birth").is_null()).height
    words = "dates of birth that cannot be read, or are beyond belief, were emptied"
    draft.count(words, lost)
    warn_of_loss(draft, f"{words} ({HOW})", lost, of=frame.height)
    frame = frame.drop("born").unique(maintain_order=True)
    _refuse_several(draft, frame)
    frame = frame.with_columns(pl.col("sex").str.to_lowercase().replace_strict(_SEXES, default=pl.col("sex")))
    named = [
        draft.subject(original, site=site, sex=sex, birth=birth, split=split)
        for original, site, sex, split, birth in frame.iter_rows()
    ]
    numbered = frame.select("original").with_columns(
        pl.Series("subject_id", [number for number, _ in named], dtype=pl.Int64),
        pl.Series("pseudonym", [pseudonym for _, pseudonym in named], dtype=pl.String),
    )
    connection.register("numbered_frame", numbered.to_arrow(compat_level=pl.CompatLevel.oldest()))
    # Joined by whole numbers where both sides have them, which is twice as fast as by their text.
    connection.execute(
        "CREATE TEMP TABLE numbered AS SELECT *, "
        "CASE WHEN CAST(TRY_CAST(original AS BIGINT) AS VARCHAR) = original THEN TRY_CAST(original AS BIGINT) END "
        "AS number FROM numbered_frame"
    ).fetchall()


def _refuse_rounded(connection: "DuckDBPyConnection", people: People) -> None:
    """Refuse ids that a spreadsheet or a type has rounded: neighbours would be one patient."""
    kind = type_of(connection, people.subject, people.source)
    if kind == "VARCHAR":
        like = f"count(*) FILTER (regexp_full_match(trim({people.subject}), {literal(ROUNDED)}))"
        rounded = frame_of(connection, f"SELECT {like} FROM {people.source} WHERE {people.where}").item()
        if rounded:
            raise InputError(
                f"people: {rounded} ids ({people.subject}) were rounded by a spreadsheet (as in 1.2E+11), where "
                "neighbours are one; export the column again as text."
            )
    if kind not in _EXACT:
        return
    largest = frame_of(connection, f"SELECT max(abs({people.subject})) FROM {people.source}").item()
    exact = _EXACT[kind]
    if largest is not None and largest > exact:
        raise InputError(
            f"people: ids ({people.subject}) are decimal numbers beyond {exact}, where neighbours are rounded to one; "
            "write them as whole numbers or text."
        )


def _refuse_several(draft: Writer, frame: pl.DataFrame) -> None:
    """Refuse patients that have several rows that differ, and say in what."""
    several = frame.filter(pl.col("original").is_duplicated())
    if several.is_empty():
        return
    counts = (
        several.group_by("original").agg(pl.exclude("original").n_unique()).drop("original").max().row(0, named=True)
    )
    differ = ", ".join(name for name, number in counts.items() if number > 1)
    raise InputError(
        f"{draft.source}: {several['original'].n_unique()} patients have several rows ({several.height} together) that "
        f"differ in {differ}; give each patient one row."
    )
