"""Stage one entry of a record: its rows as a view, with why each that is not taken is left out.

An entry that has rows but none that can be used is refused, with what is wrong and where; a share of rows left out that
is more than a few in a hundred is said at the ingest, and everything is counted on the part's record.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from semeia.archive import Writer
from semeia.archive.duck import limited
from semeia.archive.schema import BIRTH, DEATH, MODES
from semeia.errors import InputError
from semeia.progress import warn
from semeia.readers.records.cells import HOW, date_only, first_unread, named_columns, utc, zoned
from semeia.readers.records.mapping import Events
from semeia.readers.records.sources import frame_of, reading, type_of
from semeia.readers.records.units_apart import known_unit

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MUCH = 0.05  # share of rows left out above which it is said at the ingest
WARNED = "warned"  # the part's note of what was
LEAST_ID = 4  # characters of an id that is looked for in text: shorter ones are everywhere
_WHOLE = ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UBIGINT", "UINTEGER")
_WHY = {
    "code": "events without a code were left out",
    "subject": "events of nobody among the patients were left out",
    "undated": "events without a time were left out",
    "time": "events whose time cannot be read were left out",
    "belief": "events at a time beyond belief (before 1600, after 2300) were left out",
}
# What a limit of detection is written with; the number alone would say something else.
_LIMIT = "^\\s*[<>≤≥]"
_WRAPPED = re.compile(r"\s*TRY_CAST\(\s*([^()]+?)\s+AS\s+(?:DOUBLE|FLOAT|REAL|DECIMAL)\s*\)\s*", re.IGNORECASE)


def warn_of_loss(draft: Writer, words: str, number: int, *, of: int) -> None:
    """Say, and keep on the part's record, that more than a few in a hundred are lost; any, of 0."""
    if number > MUCH * of:
        noted = draft.notes.setdefault(WARNED, {})
        noted[words] = number  # pyright: ignore[reportIndexIssue]
        warn(f"{number} {f'of {of} ' if of else ''}{words}.")


def stage(
    draft: Writer, connection: "DuckDBPyConnection", entry: Events, place: int, *, files: list[Path]
) -> pl.DataFrame:
    """Make the view `staged_<place>` of an entry's rows, and count them by code, unit, mode and name.

    Args:
        files: Those of its table, to say where the first cell stands that cannot be read.

    Returns:
        Columns code, unit, mode, name, events, numbers, label.
    """
    where = f"{draft.source}, {entry.label}"
    with reading(where), limited(connection, where):
        connection.execute(f"CREATE TEMP VIEW staged_{place} AS {_view(connection, entry)}").fetchall()
        tally = frame_of(connection, _TALLY.format(place=place))
    if entry.code == f"'{BIRTH}'":  # whose dates were looked at with the people
        return _kept(tally, entry)
    _count(draft, tally)
    rows = int(tally["events"].sum())
    usable = int(tally.filter(pl.col("why").is_null())["events"].sum())
    if usable < rows * (1 - MUCH):
        why = _reasons(connection, entry, place, tally, files)
        if not usable:
            raise InputError(f"{where}: none of its {rows} rows can be used: {why}. Mend it, or leave the table out.")
        warn_of_loss(draft, f"rows of {entry.label} were left out: {why}", rows - usable, of=rows)
    wordy = int(tally["wordy"].sum())
    warn_of_loss(
        draft, f"values of {entry.label} are no numbers and were kept as text", wordy, of=int(tally["valued"].sum())
    )
    return _kept(tally, entry)


def _kept(tally: pl.DataFrame, entry: Events) -> pl.DataFrame:
    kept = tally.filter(pl.col("why").is_null()).group_by("code", "unit", "mode", "name")
    return kept.agg(pl.col("events", "numbers").sum().cast(pl.Int64)).with_columns(label=pl.lit(entry.label))


_TALLY = """
SELECT code, unit, mode, why, name, count(*) AS events, count(value) AS numbers,
    count(*) FILTER (why IS NULL AND value IS NULL AND given IS NOT NULL) AS wordy,
    count(given) FILTER (why IS NULL) AS valued,
    count(*) FILTER (why IS NULL AND value IS NOT NULL AND text IS NOT NULL) AS limits,
    count(*) FILTER (why IS NULL AND named) AS named,
    count(*) FILTER (zoned) AS zoned, count(*) FILTER (raw IS NOT NULL AND NOT zoned) AS plain,
    count(*) FILTER (why IS NULL AND day) AS days
FROM staged_{place} GROUP BY ALL
"""


def _view(connection: "DuckDBPyConnection", entry: Events) -> str:
    """SQL of an entry's rows: subject_id, code, time, value, text, name, unit, mode, and what is counted."""
    kind = type_of(connection, entry.time, entry.source)
    whole = type_of(connection, entry.subject, entry.source) in _WHOLE
    whose = f"CAST(({entry.subject}) AS BIGINT)" if whole else f"plain_id({entry.subject})"
    mode = f"'{entry.mode}'" if entry.mode in MODES else f"({entry.mode})"
    wrapped = _WRAPPED.fullmatch(entry.value)
    value = wrapped[1] if wrapped else entry.value
    given = f"nullif(trim(CAST(({value}) AS VARCHAR)), '')"
    if type_of(connection, value, entry.source) != "VARCHAR":
        given = "CAST(NULL AS VARCHAR)"  # a number is one, or missing
    # A birth or a death has no time of day, in whatever type it comes.
    day = "false" if entry.code in (f"'{BIRTH}'", f"'{DEATH}'") else date_only(entry.time, kind)
    undated = "true" if entry.undated or entry.time == "NULL" else "false"
    id_in = (
        f"length(n.original) >= {LEAST_ID} AND contains({{0}}, n.original) AND (NOT regexp_full_match(n.original, "
        "'[0-9]+') OR list_contains(string_split_regex({0}, '[^0-9]+'), n.original))"
    )
    in_text, in_code = id_in.format("r.words"), id_in.format("r.code")
    return f"""
        SELECT n.subject_id, believed(r.time) AS time, r.raw, r.zoned, r.day, r.mode, r.unit, r.given, r.value,
            CASE WHEN {in_code} THEN replace(r.code, n.original, '[id]') ELSE r.code END AS code,
            CASE WHEN {in_code} THEN replace(r.name, n.original, '[id]') ELSE r.name END AS name,
            CASE WHEN {in_text} THEN NULL WHEN r.value IS NULL OR regexp_matches(r.words, '{_LIMIT}') THEN r.words
                END AS text,
            coalesce({in_text}, false) OR coalesce({in_code}, false) AS named,
            CASE WHEN r.code IS NULL THEN 'code' WHEN n.subject_id IS NULL THEN 'subject'
                WHEN r.raw IS NULL AND NOT {undated} THEN 'undated'
                WHEN r.raw IS NOT NULL AND r.time IS NULL THEN 'time'
                WHEN r.time IS NOT NULL AND believed(r.time) IS NULL THEN 'belief' END AS why
        FROM (
            SELECT {whose} AS whose, {utc(entry.time, kind)} AS time, {zoned(entry.time, kind)} AS zoned, {day} AS day,
                nullif(trim(CAST(({entry.time}) AS VARCHAR)), '') AS raw,
                nullif(trim(CAST(({entry.code}) AS VARCHAR)), '') AS code,
                TRY_CAST(({value}) AS DOUBLE) AS value, {given} AS given,
                coalesce(nullif(CAST(({entry.text}) AS VARCHAR), ''), {given}) AS words,
                nullif(trim(CAST(({entry.name}) AS VARCHAR)), '') AS name, {known_unit(entry.unit)} AS unit,
                CAST({mode} AS VARCHAR) AS mode
            FROM {entry.source} WHERE {entry.where}
        ) r LEFT JOIN numbered n ON n.{"number" if whole else "original"} = r.whose
        """


def _count(draft: Writer, tally: pl.DataFrame) -> None:
    """Put on record what was left out and mended."""
    for why, words in _WHY.items():
        draft.count(words, int(tally.filter(pl.col("why") == why)["events"].sum()))
    totals = tally.select(pl.col("wordy", "limits", "named", "zoned", "plain", "days").sum()).row(0, named=True)
    draft.count("values that are no numbers were kept as text", int(totals["wordy"]))
    draft.count("values are limits of detection: the number is the limit, the text says so", int(totals["limits"]))
    words = "events hold their patient's id in a text, which was emptied, or in a code, where it was cut out"
    draft.count(words, int(totals["named"]))
    warn_of_loss(draft, words, int(totals["named"]), of=0)
    if totals["zoned"]:
        draft.count("times with a time zone were converted to UTC", int(totals["zoned"]))
        draft.count("times without a zone, beside others with one, were taken to be UTC", int(totals["plain"]))
    draft.count("dates without a time of day were taken to be the start of that day", int(totals["days"]))


def _reasons(
    connection: "DuckDBPyConnection", entry: Events, place: int, tally: pl.DataFrame, files: list[Path]
) -> str:
    """Why rows are left out, the commonest first; of times how they are written, and where the first stands."""
    counts = tally.drop_nulls("why").group_by("why").agg(pl.col("events").sum()).sort("events", descending=True)
    said = []
    for why, number in counts.iter_rows():
        if why == "time":
            shapes = frame_of(
                connection,
                f"SELECT shape(raw) AS shape FROM staged_{place} WHERE why = 'time' GROUP BY 1 "
                "ORDER BY count(*) DESC, 1 LIMIT 3",
            )["shape"]
            columns = _columns_of(connection, entry)
            first = first_unread(files, columns)
            like = f"written like {' or '.join(shapes)} (9 a digit, A a letter)"
            needed = f"{HOW}, and numbers of seconds must be made times first"
            said.append(f"{number} have a time ({' or '.join(columns) or 'none'}) {like}{first}; {needed}")
        else:
            said.append(f"{number} {_REASONS[why].format(entry=entry)}")
    return "; ".join(said)


def _columns_of(connection: "DuckDBPyConnection", entry: Events) -> list[str]:
    """The columns that the time of an entry is made from."""
    words = dict.fromkeys(name.lower() for name in named_columns(entry.time))
    rows = connection.execute(f"DESCRIBE SELECT * FROM {entry.source}").fetchall()
    return [name for name in words if name in {str(row[0]).lower() for row in rows}]


_REASONS = {
    "code": "have no code",
    "subject": "are of nobody in the table of patients (are the ids of the same extract?)",
    "undated": "have no time",
    "belief": "are at a time before 1600 or after 2300",
}
