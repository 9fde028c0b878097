"""A mapped health record on its way into a draft: tables and a mapping go in; subjects, events, codes come out.

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
from semeia.archive.duck import connected
from semeia.archive.schema import BIRTH, DEATH, MODES
from semeia.errors import InputError
from semeia.readers.code_facts import say_codes
from semeia.readers.labels import Stays, add_outcome, add_units
from semeia.readers.mapping import Events, Mapping, People
from semeia.readers.sources import add_table, batches_of, frame_of, reading, type_of, utc
from semeia.readers.units_apart import known_unit

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ZONE = r"(\d[Zz]|:\d\d.*[+-]\d\d(:?\d\d)?)$"  # after a time of day: the end of a date is no zone
_WHY = {
    "code": "events without a code were left out",
    "subject": "events of nobody among the patients were left out",
    "time": "events whose time is missing or cannot be read were left out",
}
_SEXES = {"m": "male", "male": "male", "8507": "male", "f": "female", "female": "female", "8532": "female"}


@contextmanager
def opened(draft: Writer, folder: Path) -> Iterator["DuckDBPyConnection"]:
    """A connection that can read `folder` only, and whose scratch space goes with the draft."""
    scratch = scratch_of(draft)
    scratch.mkdir(exist_ok=True)
    try:
        with connected(scratch, reads=folder) as connection:
            yield connection
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def take(
    draft: Writer,
    connection: "DuckDBPyConnection",
    mapping: Mapping,
    *,
    tables: dict[str, list[Path]],
    codes: pl.DataFrame | None = None,
) -> None:
    """Put a mapped record into a draft.

    Args:
        draft: Where it goes.
        connection: From `opened`; may have tables of its own already.
        mapping: What the tables mean.
        tables: The files of each table, by name; those that the mapping does not mention are not read.
        codes: What is known of codes beforehand, and goes before all rules: code and any of mode, name, unit, fill.

    Raises:
        InputError: The people's table is missing, a file is damaged, or the mapping does not fit; names which.
    """
    there = _prepare(draft, connection, mapping, tables)
    _number(draft, connection, mapping.people)
    entries = [entry for entry in mapping.events if _table_of(entry.source) in there]
    if all(entry.code in (f"'{BIRTH}'", f"'{DEATH}'") for entry in entries):
        raise InputError(f"{mapping.name}: none of the tables with events is in the folder.")
    tallies = [_stage(draft, connection, entry, place) for place, entry in enumerate(entries)]
    apart = say_codes(draft, mapping, pl.concat(tallies), codes)
    connection.register("apart", apart.to_arrow(compat_level=pl.CompatLevel.oldest()))
    query = _EVENTS_APART if apart.height else _EVENTS
    for place, entry in enumerate(entries):
        with reading(f"{mapping.name}, {entry.label}"):
            for batch in batches_of(connection, query.format(place=place)):
                draft.events(batch)
    stays: Stays = {}
    for units in mapping.units:
        stays |= add_units(draft, connection, units)
    for outcome in mapping.outcomes:
        add_outcome(draft, connection, outcome, stays)
    for words, query in mapping.counts.items():
        if _table_of(f"({query}") not in there:
            continue
        with reading(f"{mapping.name}, counts, {words}"):
            draft.count(words, int(frame_of(connection, query).item() or 0))


_EVENTS = """
SELECT subject_id, time, code, value AS numeric_value, CASE WHEN value IS NULL THEN text END AS text_value
FROM staged_{place} WHERE why IS NULL
"""
_EVENTS_APART = """
SELECT s.subject_id, s.time, coalesce(a.other, s.code) AS code, s.value AS numeric_value,
       CASE WHEN s.value IS NULL THEN s.text END AS text_value
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
    words = set(re.findall(r"\w+", mapping.words()))
    for name in sorted(words & set(tables)):
        draft.count("files have no rows", add_table(connection, name, tables[name], scratch=scratch_of(draft)))
    listed = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
    there = {str(row[0]).lower() for row in listed}
    for name, query in mapping.prepare.items():
        if _table_of(f"({query}") in there:
            with reading(f"{mapping.name}, prepare {name}"):
                connection.execute(f'CREATE TEMP TABLE "{name}" AS {query}').fetchall()
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
    with reading("people"):
        birth = utc(people.birth, type_of(connection, people.birth, people.source))
        facts = ", ".join(
            f"nullif(trim(CAST(({expression}) AS VARCHAR)), '') AS {name}"
            for name, expression in (("site", people.site), ("sex", people.sex), ("split", people.split))
        )
        frame = frame_of(
            connection,
            f"SELECT DISTINCT CAST(({people.subject}) AS VARCHAR) AS original, {facts}, CAST({birth} AS DATE) AS birth "
            f"FROM {people.source} WHERE {people.where} ORDER BY original",
        )
    draft.count("patients without an id were left out", frame["original"].null_count())
    frame = frame.filter(pl.col("original").is_not_null())
    several = frame["original"].is_duplicated().sum()
    if several or frame.is_empty():
        found = f"{several} rows of patients differ in site, sex, birth or split" if several else "no patient"
        raise InputError(f"{draft.source}: {found}; let the mapping give each patient one row.")
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


def _stage(draft: Writer, connection: "DuckDBPyConnection", entry: Events, place: int) -> pl.DataFrame:
    """Make the view `staged_<place>` of an entry's rows, and count them by code, unit, mode and name."""
    with reading(f"{draft.source}, {entry.label}"):
        kind = type_of(connection, entry.time, entry.source)
        zoned = f"regexp_matches({entry.time}, '{_ZONE}')" if kind == "VARCHAR" else "false"
        zoned = f"({entry.time}) IS NOT NULL" if "WITH TIME ZONE" in kind else zoned
        whole = type_of(connection, entry.subject, entry.source) in ("BIGINT", "INTEGER", "SMALLINT")
        whose = f"CAST(({entry.subject}) AS {'BIGINT' if whole else 'VARCHAR'})"
        mode = f"'{entry.mode}'" if entry.mode in MODES else f"({entry.mode})"
        unclear = "dated" if entry.undated or entry.time == "NULL" else "true"
        connection.execute(
            f"""
            CREATE TEMP VIEW staged_{place} AS
            SELECT n.subject_id, r.*, CASE WHEN r.code IS NULL THEN 'code' WHEN n.subject_id IS NULL THEN 'subject'
                WHEN r.time IS NULL AND {unclear} THEN 'time' END AS why
            FROM (
                SELECT {whose} AS whose, {utc(entry.time, kind)} AS time,
                    ({entry.time}) IS NOT NULL AS dated, {zoned} AS zoned,
                    nullif(trim(CAST(({entry.code}) AS VARCHAR)), '') AS code,
                    TRY_CAST(({entry.value}) AS DOUBLE) AS value, nullif(CAST(({entry.text}) AS VARCHAR), '') AS text,
                    nullif(trim(CAST(({entry.name}) AS VARCHAR)), '') AS name, {known_unit(entry.unit)} AS unit,
                    CAST({mode} AS VARCHAR) AS mode
                FROM {entry.source} WHERE {entry.where}
            ) r LEFT JOIN numbered n ON n.{"number" if whole else "original"} = r.whose
            """
        )
        tally = frame_of(
            connection,
            "SELECT code, unit, mode, why, name, count(*) AS events, count(value) AS numbers, "
            "count(*) FILTER (zoned) AS zoned, count(*) FILTER (dated AND NOT zoned) AS plain "
            f"FROM staged_{place} GROUP BY ALL",
        )
    for why, words in _WHY.items():
        draft.count(words, int(tally.filter(pl.col("why") == why)["events"].sum()))
    if tally["zoned"].sum():
        draft.count("times with a time zone were converted to UTC", int(tally["zoned"].sum()))
        draft.count("times without a zone, beside others with one, were taken to be UTC", int(tally["plain"].sum()))
    kept = tally.filter(pl.col("why").is_null()).select("code", "unit", "mode", "name", "events", "numbers")
    return kept.cast({"events": pl.Int64, "numbers": pl.Int64}).with_columns(label=pl.lit(entry.label))
