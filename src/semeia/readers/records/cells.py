"""Read the cells of a record, ids, times and numbers, by macros of SQL that mappings may use, too.

    plain_id(x)   an id as text: 12.0, which a table makes of 12 once a column had a gap, is 12
    iso(x)        a time in UTC, without a zone; empty unless it is written as ISO 8601 has it
    believed(x)   a time, empty where no calendar of patients goes (years 20, 9999)
    shape(x)      what a cell looks like, without what it says: 9 for each digit, A for each letter

Nothing is guessed: 04/03/2020 is April in one country and March in another, and 10:20:52 PM cut off at its end is ten
in the morning. What is no time is left out and counted by those who call.
"""

import csv
import gzip
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ISO = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?( ?([Zz]|UTC|[+-](0\d|1[0-4])(:?[0-5]\d)?))?)?"
BASIC = r"\d{8}"
HOW = "ISO 8601 is needed, such as 2020-01-15 or 2020-01-15 08:30:00+01:00"
# Dates are moved by centuries where a source hides them; beyond these no calendar of patients goes.
FIRST, END = 1600, 2300
_LONGEST_SHAPE = 24
_ZONE = r"([Zz]|UTC|[+-]\d{2}(:?\d{2})?)$"

_MACROS = rf"""
CREATE TEMP MACRO plain_id(x) AS regexp_replace(trim(CAST(x AS VARCHAR)), '^(-?[0-9]+)\.0*$', '\1');
CREATE TEMP MACRO iso_text(x) AS CASE
    WHEN regexp_full_match(x, '{ISO}')
    THEN TRY_CAST(regexp_replace(replace(replace(x, ',', '.'), 'UTC', 'Z'), ' ([Zz+-])', '\1') AS TIMESTAMPTZ)
        AT TIME ZONE 'UTC'
    WHEN regexp_full_match(x, '{BASIC}') THEN try_strptime(x, '%Y%m%d') END;
CREATE TEMP MACRO believed(x) AS CASE WHEN year(x) >= {FIRST} AND year(x) < {END} THEN x END;
CREATE TEMP MACRO iso(x) AS iso_text(trim(CAST(x AS VARCHAR)));
CREATE TEMP MACRO shape(x) AS left(regexp_replace(regexp_replace(CAST(x AS VARCHAR), '[0-9]', '9', 'g'),
    '\pL', 'A', 'g'), {_LONGEST_SHAPE});
"""


def add_macros(connection: "DuckDBPyConnection") -> None:
    """Make the macros of this page."""
    for macro in _MACROS.split(";\n"):
        if macro.strip():
            connection.execute(macro).fetchall()


def utc(expression: str, kind: str) -> str:
    """SQL that makes a time without a zone, in UTC, of an expression of type `kind`; empty where it cannot be read.

    Text may have a zone or not, row by row; without one it is taken to be UTC.
    """
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"(({expression}) AT TIME ZONE 'UTC')"
    if kind in ("DATE", '"NULL"') or kind.startswith("TIMESTAMP"):
        return f"CAST(({expression}) AS TIMESTAMP)"
    return f"iso({expression})"


def zoned(expression: str, kind: str) -> str:
    """SQL that says whether a time has a zone."""
    if kind == "VARCHAR":
        return f"regexp_matches(trim({expression}), ':\\d\\d.*{_ZONE}')"
    return f"({expression}) IS NOT NULL" if "WITH TIME ZONE" in kind else "false"


def date_only(expression: str, kind: str) -> str:
    """SQL that says whether a time is a date without a time of day."""
    if kind == "DATE":
        return f"({expression}) IS NOT NULL"
    return f"length(trim({expression})) <= 10" if kind == "VARCHAR" else "false"


def first_unread(files: Iterable[Path], columns: Iterable[str]) -> str:
    """Where the first time of text files stands that is not ISO 8601, in words; empty where there is none."""
    names = {name.lower() for name in columns}
    for file in files:
        if file.name.lower().endswith(".parquet"):
            continue
        opener = gzip.open if file.name.lower().endswith(".gz") else open
        with opener(file, "rt", encoding="utf-8-sig", newline="", errors="replace") as stream:
            head = stream.readline()
            mark = max(",\t;|", key=head.count)
            there = [name.strip().lower() for name in next(csv.reader([head], delimiter=mark), [])]
            places = [place for place, name in enumerate(there) if name in names]
            for number, row in enumerate(csv.reader(stream, delimiter=mark), start=2):
                for place in places:
                    cell = row[place].strip() if place < len(row) else ""
                    if cell and not re.fullmatch(f"{ISO}|{BASIC}", cell):
                        return f", first in {file.name}, row {number}, column {there[place]}"
    return ""


def named_columns(expression: str) -> list[str]:
    """The words of an expression that may be names of columns."""
    return re.findall(r"[A-Za-z_]\w*", re.sub(r"'(?:[^']|'')*'", "", expression))
