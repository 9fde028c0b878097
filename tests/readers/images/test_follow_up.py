"""Four-year outcomes by their rules. All rows are made up: not one is of the OAI."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_folder import listing
from knee_folder import write_knees
from lidc_folder import write_rows
from semeia.archive import Archive, open_archive
from semeia.errors import InputError
from semeia.readers import FollowUp, follow_up_outcomes, ingest_knees
from semeia.readers.images.follow_up import worsened
from semeia.readers.images.knees import knee_units

# patient, side, grade at 00m and at 48m (None: not read)
KNEES = [
    ("CANARY1", "L", 0, 1),
    ("CANARY1", "R", 0, 2),
    ("CANARY2", "L", 1, 3),
    ("CANARY2", "R", 2, 2),
    ("CANARY3", "L", 2, 3),
    ("CANARY3", "R", 3, 4),
    ("CANARY4", "L", 3, None),
    ("CANARY4", "R", 4, 4),
    ("CANARY5", "L", 1, None),
    ("CANARY5", "R", 3, 2),
]
INCIDENT = {"1L": 0.0, "1R": 1.0, "2L": 1.0}
PROGRESSED = {"2R": 0.0, "3L": 1.0, "3R": 1.0, "5R": 0.0}
Rows = list[dict[str, object]]


def _row(patient: str, side: str, visit: str, grade: object, project: int = 15) -> dict[str, object]:
    return {"ID": patient, "SIDE": {"R": 1, "L": 2}[side], "READPRJ": project, "KLG": grade, "Visit": visit}


def _rows() -> Rows:
    rows = [_row(patient, side, "00m", now) for patient, side, now, _ in KNEES]
    return rows + [_row(patient, side, "48m", end) for patient, side, _, end in KNEES if end is not None]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    patients = tuple(dict.fromkeys(patient for patient, *_ in KNEES))
    write_knees(tmp_path / "knee", patients)
    labels = [
        {"image": f"{patient}{side}.png", "patient_id": patient, "side": side, "grade": now}
        for patient, side, now, _ in KNEES
    ]
    write_rows(tmp_path / "knee" / "labels.csv", labels)
    ingest_knees(tmp_path / "knee", into=tmp_path / "a", site="oai")
    return open_archive(tmp_path / "a")


def _follow(archive: Archive, rows: Rows, *, any_project: bool = False) -> FollowUp:
    return follow_up_outcomes(write_rows(archive.path.parent / "o.csv", rows), archive, any_project=any_project)


def _named(archive: Archive, frame: pl.DataFrame) -> dict[str, float]:
    """An outcome by the end of the patient's name and the side."""
    units = knee_units(archive)
    names = {units.of_knee(patient, side)[0]: f"{patient[-1]}{side}" for patient, side, *_ in KNEES}
    there = dict(archive.table("units").select("unit_id", "subject_id").iter_rows())
    assert all(there[unit] == subject for unit, subject, _ in frame.iter_rows())
    return {names[unit]: value for unit, _, value in frame.iter_rows()}


def test_outcomes_and_who_is_missing(archive: Archive):
    before = listing(archive.path)
    found = _follow(archive, _rows())
    assert _named(archive, found.incidence) == INCIDENT
    assert _named(archive, found.progression) == PROGRESSED
    assert found.by_grade.rows() == [
        (0, 2, 2, 0, 1),
        (1, 2, 1, 1, 1),
        (2, 2, 2, 0, 1),
        (3, 3, 2, 1, 1),
        (4, 1, 1, 0, None),
    ]
    assert found.counts["knees with a grade in the archive and in the table"] == len(KNEES)
    assert found.counts["of them with different grades"] == 0
    assert found.counts["rows that say they are synthetic"] == 0
    assert listing(archive.path) == before


def test_other_visits_other_knees_and_empty_grades_change_nothing(archive: Archive):
    more = [_row("CANARY1", "L", "24m", 4), _row("nobody", "L", "00m", 2), _row("CANARY4", "L", "48m", "")]
    found = _follow(archive, [*more, *reversed(_rows())])
    assert (_named(archive, found.incidence), _named(archive, found.progression)) == (INCIDENT, PROGRESSED)
    assert found.counts["knees of the table that are not in the archive"] == 1
    assert found.counts["rows with no grade, left out"] == 1


def test_project_15_counts_whatever_others_read(archive: Archive):
    again = [_row(patient, side, visit, 0, 37) for patient, side, *_ in KNEES[:8] for visit in ("00m", "48m")]
    found = _follow(archive, again[:8] + _rows() + again[8:])
    assert (_named(archive, found.incidence), _named(archive, found.progression)) == (INCIDENT, PROGRESSED)
    assert found.counts["knees that several projects read at 00m"] == 8
    assert found.counts["of them with different grades at 00m"] == 6
    assert found.counts["knees that project 15 did not read, left out, at 48m"] == 1  # of CANARY4, by project 37 only


def test_other_projects_count_where_15_is_silent_if_asked(archive: Archive):
    read = [_row("CANARY5", "L", "48m", 2, 42), _row("CANARY5", "L", "48m", 0, 37), _row("CANARY4", "L", "48m", 4, 42)]
    strict = _follow(archive, _rows() + read)
    assert "5L" not in _named(archive, strict.incidence)
    found = _follow(archive, _rows() + read, any_project=True)
    assert _named(archive, found.incidence) == INCIDENT | {"5L": 0.0}  # 37 before 42
    assert _named(archive, found.progression) == PROGRESSED | {"4L": 1.0}
    assert found.counts["knees that project 15 did not read, kept, at 48m"] == 2
    assert found.by_grade["missing"].sum() == 0


def test_rows_that_repeat(archive: Archive):
    found = _follow(archive, _rows() + _rows()[:3])
    assert _named(archive, found.incidence) == INCIDENT
    assert found.counts["repeated rows at 00m"] == 3
    contrary = _rows()[0] | {"KLG": 3}
    with pytest.raises(InputError, match=r"^o.csv, row 20: its grade is not that of row 2[^\n]*settle") as caught:
        _follow(archive, [*_rows(), contrary])
    assert "CANARY" not in str(caught.value)


def test_grades_that_the_archive_knows_otherwise_are_counted(archive: Archive):
    rows = _rows()
    rows[3]["KLG"] = 3
    found = _follow(archive, rows)
    assert found.counts["of them with different grades"] == 1
    assert _named(archive, found.progression)["2R"] == 0.0
    swapped = [row | {"SIDE": 3 - int(str(row["SIDE"]))} for row in _rows()]  # what a wrong mapping of sides looks like
    assert _follow(archive, swapped).counts["of them with different grades"] == 8


def test_a_knee_without_a_baseline_reading_has_no_outcome(archive: Archive):
    found = _follow(archive, _rows()[1:])
    assert "1L" not in _named(archive, found.incidence)
    assert found.counts["knees of the archive without a baseline reading in the table"] == 1


def test_a_table_of_other_patients_is_refused(archive: Archive):
    with pytest.raises(InputError, match=r"no knee read at baseline is one of .*; check ids, sides and READPRJ"):
        _follow(archive, [row | {"ID": f"another {row['ID']}"} for row in _rows()])
    with pytest.raises(InputError, match="no knee read at baseline"):
        _follow(archive, [row | {"READPRJ": 37} for row in _rows()])
    ingest_knees(archive.path.parent / "knee", into=archive.path, site="most")
    with pytest.raises(InputError, match="fits units of several sites"):
        _follow(open_archive(archive.path), _rows())


@given(st.integers(0, 3), st.integers(0, 4))
def test_worse_is_never_better(now: int, later: int):
    assert worsened(now, later) == (later >= max(2, now + 1))
