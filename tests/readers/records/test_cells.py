"""Cells are read one way: ids, times in ISO 8601 and nothing else, and what a cell looks like without what it says."""

import datetime as dt
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from semeia.archive.duck import connected
from semeia.readers.records.cells import add_macros, first_unread

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator["DuckDBPyConnection"]:
    with connected(tmp_path_factory.mktemp("scratch")) as opened:
        add_macros(opened)
        yield opened


def one(connection: "DuckDBPyConnection", expression: str, value: object) -> object:
    return connection.execute(f"SELECT {expression}", [value]).fetchall()[0][0]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2018-08-03", dt.datetime(2018, 8, 3)),
        (" 2018-08-03 ", dt.datetime(2018, 8, 3)),
        ("20180803", dt.datetime(2018, 8, 3)),
        ("2018-08-03 22:20", dt.datetime(2018, 8, 3, 22, 20)),
        ("2018-08-03T22:20:52Z", dt.datetime(2018, 8, 3, 22, 20, 52)),
        ("2018-08-03 22:20:52 UTC", dt.datetime(2018, 8, 3, 22, 20, 52)),
        ("2018-08-03 22:20:52 -0500", dt.datetime(2018, 8, 4, 3, 20, 52)),
        ("2018-08-03T22:20:52.000-05:00", dt.datetime(2018, 8, 4, 3, 20, 52)),
        ("2018-08-03 22:20:52+0530", dt.datetime(2018, 8, 3, 16, 50, 52)),
        ("2018-08-03 22:20:52,5", dt.datetime(2018, 8, 3, 22, 20, 52, 500_000)),
        ("2018-08-03 22:20:52.123456789", dt.datetime(2018, 8, 3, 22, 20, 52, 123_456)),
        ("2018-08-03 24:00", dt.datetime(2018, 8, 4)),
        *((text, None) for text in (
            "2018-08-03 10:20:52 PM", "01/15/2020", "15.01.2020", "15-JAN-20", "2020-1-5", "2020-02-30", "20201315",
            "43831", "1578182400", "22:20:52", "2018/08/03", "infinity", "epoch", "Jan 5 2020",
            "2018-08-03 22:20:52 CET", "2018-08-03T22:20:52+99:00", "2018-08-03 22:20:60", "20-01-15", "",
        )),
    ],
)  # fmt: skip
def test_times_are_iso_8601_or_none(connection: "DuckDBPyConnection", text: str, time: dt.datetime | None):
    assert one(connection, "iso(?)", text) == time


@pytest.mark.parametrize(
    ("time", "kept"), [("0020-01-01", False), ("1720-01-01", True), ("2211-01-01", True), ("9999-12-31", False)]
)
def test_years_of_no_calendar_are_not_believed(connection: "DuckDBPyConnection", time: str, kept: bool):
    assert (one(connection, "believed(iso(?))", time) is not None) == kept


@pytest.mark.parametrize(
    ("given", "plain"),
    [(12.0, "12"), ("12.0", "12"), (" 12. ", "12"), (12, "12"), ("007", "007"), ("1.5", "1.5"), ("P1.0", "P1.0")],
)
def test_an_id_that_became_a_decimal_number_is_the_id(connection: "DuckDBPyConnection", given: object, plain: str):
    assert one(connection, "plain_id(?)", given) == plain


def test_a_shape_says_nothing_of_a_cell(connection: "DuckDBPyConnection"):
    assert one(connection, "shape(?)", "15-JAN-20 née Müller") == "99-AAA-99 AAA AAAAAA"


def test_the_first_time_that_cannot_be_read_is_found_in_text(tmp_path: Path):
    rows = "Id;Taken;v\n1;2020-01-01;5\n2;;6\n3;01/15/2020;7\n"
    (tmp_path / "a.csv").write_text(rows)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(rows.encode()))
    for name in ("a.csv", "b.csv.gz"):
        words = f", first in {name}, row 4, column taken"
        assert first_unread([tmp_path / name], ["taken", "cast"]) == words
    assert first_unread([tmp_path / "a.csv"], ["v2"]) == ""
