"""The table of expressions comes in by name, goes out and comes in again; what contradicts itself is said by row."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from archive_folder import listing
from lidc_folder import read_rows, write_rows
from semeia.archive import Summary, open_archive
from semeia.data.dataset import open_dataset
from semeia.data.modalities import Vector
from semeia.errors import InputError
from semeia.readers import expressions_table, ingest_expressions
from semeia.report.terminal import table_writer

# pid, session, days to the last session, label
SESSIONS = (
    ("CANARY2", 3, 0, 1),
    ("CANARY2", 1, 400, 1),
    ("CANARY2", 2, 31, 1),
    ("CANARY1", 9, 0, 0),
    ("CANARY3", 1, 0, ""),
)
NUMBERS = np.random.default_rng(0).normal(size=(5, 11)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three patients, the first with three sessions; the columns stand in no order, and another stands between."""
    rows: list[dict[str, object]] = []
    for place, (pid, session, days, label) in enumerate(SESSIONS):
        date = dt.date(2021, 5, 1) - dt.timedelta(days=days)
        numbers = {f"exp-{k:03d}": float(NUMBERS[place, k]) for k in reversed(range(11))}
        facts = {"lung_cancer": label, "age": 61, "shifted_scan_date": date.isoformat(), "Duration": days}
        rows.append(numbers | {"pid": pid, "id": f"{pid}s{session}", "session": session} | facts)
    write_rows(tmp_path / "t.csv", rows)
    return tmp_path


def ingest(folder: Path, **change) -> Summary:
    return ingest_expressions(change.pop("table", folder / "t.csv"), into=change.pop("into", folder / "a"), **change)


def test_sessions_are_observations_and_the_patient_is_judged_at_the_last(folder: Path):
    summary = ingest(folder, site="north")
    assert (summary.subjects, summary.units, summary.arrays, summary.outcomes) == (3, 3, 5, {"lung_cancer": 2})
    archive = open_archive(folder / "a")
    assert archive.table("units")["time"].to_list() == [dt.datetime(2021, 5, 1)] * 3
    assert archive.outcome("lung_cancer").select("subject_id", "value").rows() == [(1, 0.0), (2, 1.0)]
    assert archive.outcome("lung_cancer")["prediction_time"].to_list() == [dt.datetime(2021, 5, 1)] * 2
    data = open_dataset(archive, {"signatures": Vector(source="signatures")})
    row = data.units["subject_id"].to_list().index(2)
    np.testing.assert_array_equal(data[row].values["signatures"][:, 0], NUMBERS[[0, 2, 1]])
    np.testing.assert_allclose(data[row].when["signatures"], np.array([0, 31, 400]) / (365.25 / 12), rtol=1e-5)
    assert all(b"CANARY" not in content for content in listing(folder / "a").values())
    assert ingest(folder, site="north").repeated


def test_what_is_written_is_the_table_and_gives_the_same_archive(folder: Path):
    rows = [row | {"test_set": int(row["pid"] == "CANARY1")} for row in read_rows(folder / "t.csv")]
    write_rows(folder / "t.csv", rows)
    ingest(folder)
    table = expressions_table(folder / "a")
    first = ("pid", "id", "session", "shifted_scan_date", "Duration", "lung_cancer", "test_set", "exp-000", "exp-001")
    assert table.columns[:9] == list(first)
    assert table.height == 5
    three = table.filter(table["pid"].is_in(table.filter(table["session"] == 3)["pid"]))
    assert three.select("session", "Duration", "lung_cancer", "test_set").rows() == [
        (1, 400, 1, 0),
        (2, 31, 1, 0),
        (3, 0, 1, 0),
    ]
    np.testing.assert_array_equal(three.to_numpy()[:, 7:].astype(np.float32), NUMBERS[[1, 2, 0]])
    assert three["shifted_scan_date"].to_list() == ["2020-03-27", "2021-03-31", "2021-05-01"]

    table_writer(folder / "out.csv")(table)
    ingest(folder, table=folder / "out.csv", into=folder / "b")
    again = expressions_table(folder / "b")
    numbers = ["session", "Duration", *table.columns[6:]]
    assert sorted(again.select(numbers).rows()) == sorted(table.select(numbers).rows())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exp-003": ""}, "row 3: 1 of 11 numbers are missing"),
        ({"Duration": "30"}, "row 3, column Duration: is not the 400 days to the patient's last session"),
        ({"session": "3"}, "row 3, column session: repeats the session of row 2"),
        ({"lung_cancer": "0"}, "row 3, column lung_cancer: this patient has another label in row 2"),
        ({"lung_cancer": "maybe"}, "row 3, column lung_cancer: must be 0 or 1"),
        ({"shifted_scan_date": ""}, "row 3, column shifted_scan_date: is empty"),
        ({"pid": ""}, "row 3, column pid: is empty"),
    ],
)
def test_what_contradicts_itself_is_one_line(folder: Path, change: dict[str, str], words: str):
    rows = read_rows(folder / "t.csv")
    rows[1] |= change
    write_rows(folder / "t.csv", rows)
    with pytest.raises(InputError, match=words) as caught:
        ingest(folder)
    assert "CANARY" not in str(caught.value)
    assert not (folder / "a").exists()
    if "Duration" not in change and "shifted_scan_date" not in change:
        assert "1 rows with a fault were left out" in str(ingest(folder, skip_bad_rows=1))


def test_a_table_without_the_columns_or_an_archive_without_expressions_is_refused(folder: Path):
    rows = read_rows(folder / "t.csv")
    write_rows(folder / "t.csv", [{name: row[name] for name in ("pid", "shifted_scan_date")} for row in rows])
    with pytest.raises(InputError, match="no column's name begins with 'exp-'"):
        ingest(folder)
    write_rows(folder / "t.csv", [{name: row[name] for name in ("pid", "exp-000")} for row in rows])
    with pytest.raises(InputError, match=r"lacks the column\(s\) shifted_scan_date"):
        ingest(folder)
    write_rows(folder / "t.csv", rows)
    ingest(folder, modality="other")
    with pytest.raises(InputError, match="holds no arrays 'signatures'; it has other"):
        expressions_table(folder / "a")
    with pytest.raises(InputError, match="no outcome 'death'"):
        expressions_table(folder / "a", modality="other", outcome="death")
