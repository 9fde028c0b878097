"""Readings in OAI columns, under any of the names they go by. All rows are made up."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from lidc_folder import write_rows
from semeia.errors import InputError
from semeia.readers.images.follow_up import read_oai_table

ROW: dict[str, object] = {"ID": "CANARY7", "SIDE": "1", "READPRJ": "15", "KLG": "2", "Visit": "00m"}


def _read(path: Path, *rows: Mapping[str, object]) -> list[tuple[str, str, int, int, int | None]]:
    readings = read_oai_table(write_rows(path / "o.csv", [dict(row) for row in rows]))
    return [(one.patient, one.side, one.months, one.project, one.grade) for one in readings]


@pytest.mark.parametrize(
    "row",
    [
        ROW,
        {"id": "CANARY7", "side": "1: Right", "readprj": "15.0", "klg": "2.0", "VISIT": "00M"},
        {"ID": "CANARY7", "SIDE": "R", "READPRJ": "15", "V00XRKL": "2: KL grade 2"},
        {"ID": "CANARY7", "SIDE": "right", "READPRJ": "15", "v00xrkl": "2", "Visit": "V00"},
        ROW | {"Visit": "0", "MCMJSW": "4.1"},
    ],
)
def test_one_reading_by_any_name(tmp_path: Path, row: dict[str, object]):
    assert _read(tmp_path, row) == [("CANARY7", "R", 0, 15, 2)]


def test_a_column_a_visit(tmp_path: Path):
    row = {"ID": "1.0", "SIDE": "2", "READPRJ": "37", "V00XRKL": "0", "V06XRKL": "4", "V10XRKL": ".M"}
    assert _read(tmp_path, row) == [("1", "L", 0, 37, 0), ("1", "L", 48, 37, 4), ("1", "L", 96, 37, None)]


def test_visits_and_grades_that_are_missing(tmp_path: Path):
    rows = [ROW | {"Visit": visit, "KLG": ""} for visit in ("00m", "12m", "48 m", "V06", "V10", "96")]
    read = _read(tmp_path, *rows)
    assert [one[2] for one in read] == [0, 12, 48, 48, 96, 96]
    assert {one[4] for one in read} == {None}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"SIDE": "3"}, r"row 3, column SIDE: must be 1 \(right\) or 2 \(left\)"),
        ({"SIDE": ""}, "row 3, column SIDE: is empty"),
        ({"ID": ""}, "row 3, column ID: is empty"),
        ({"KLG": "5"}, "row 3, column KLG: must be a Kellgren-Lawrence grade, 0 to 4, or empty"),
        ({"KLG": "1.5"}, "row 3, column KLG: must be a Kellgren-Lawrence grade"),
        ({"KLG": "-1"}, "row 3, column KLG: must be a Kellgren-Lawrence grade"),
        ({"READPRJ": "all"}, "row 3, column READPRJ: must be the whole number of a reading project"),
        ({"Visit": "soon"}, "row 3, column Visit: must be a visit, such as 00m or 48m"),
        ({"Visit": "V02"}, "row 3, column Visit: must be a visit"),
    ],
)
def test_a_bad_cell_is_one_line(tmp_path: Path, change: dict[str, object], words: str):
    with pytest.raises(InputError, match=f"^o.csv, {words}[^\n]*$") as caught:
        _read(tmp_path, ROW, ROW | change)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(("column", "said"), [("ID", "ID"), ("READPRJ", "READPRJ"), ("KLG", "KLG"), ("Visit", "Visit")])
def test_a_column_that_lacks(tmp_path: Path, column: str, said: str):
    with pytest.raises(InputError, match=rf"o\.csv: lacks the column\(s\) {said}\."):
        _read(tmp_path, {name: cell for name, cell in ROW.items() if name != column})
