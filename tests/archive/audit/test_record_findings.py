"""The audit of a record finds impossible times, codes that carry nothing, unmapped events, and what was counted."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from archive_folder import small_archive
from semeia.archive import Archive, Finding, audit, open_archive, writing
from semeia.archive.audit.census import census

MODES = {
    "MEDS_BIRTH": "other",
    "MEDS_DEATH": "other",
    "FLU": "condition",
    "UNMAPPED/condition/X": "condition",
    "WEIGHT": "measurement",
    "FLAT": "measurement",
    "SILENT": "measurement",
    "RARE": "medication",
}
EVENTS: list[tuple[int, dt.datetime | None, str, float | None]] = [
    (1, dt.datetime(1950, 1, 1), "MEDS_BIRTH", None),
    (1, dt.datetime(1949, 12, 31), "FLU", None),
    (1, dt.datetime(2000, 1, 1), "WEIGHT", 70.0),
    (1, dt.datetime(2000, 1, 1), "FLAT", 1.0),
    (1, dt.datetime(2000, 6, 1), "SILENT", None),
    (1, dt.datetime(2001, 1, 1, 8), "MEDS_DEATH", None),
    (1, dt.datetime(2001, 1, 1, 9), "FLU", None),
    (1, dt.datetime(2001, 1, 2), "FLU", None),
    (1, dt.datetime(2001, 1, 3), "WEIGHT", 71.0),
    (2, None, "RARE", None),
    (2, dt.datetime(2000, 1, 1), "UNMAPPED/condition/X", None),
    (2, dt.datetime(2000, 1, 2), "FLAT", 1.0),
    (2, dt.datetime(2000, 1, 2), "SILENT", None),
    (3, dt.datetime(2000, 1, 1), "UNMAPPED/condition/X", None),
]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    with writing(tmp_path / "a", source="test") as draft:
        draft.subject("CANARY-1", site="north", birth=dt.date(1950, 1, 1))
        for name, site in (("CANARY-2", "north"), ("CANARY-3", "south"), ("CANARY-4", "south")):
            draft.subject(name, site=site)
        frame = pl.DataFrame(EVENTS, schema=["subject_id", "time", "code", "numeric_value"], orient="row")
        draft.events(frame)
        draft.events(frame.head(2))
        units = ["kg" if code == "WEIGHT" else None for code in MODES]
        draft.codes(pl.DataFrame({"code": list(MODES), "mode": list(MODES.values()), "unit": units, "rule": "test"}))
        draft.count("rows were left out", 7)
    return open_archive(tmp_path / "a")


def test_every_finding_is_counted(archive: Archive):
    found = {finding.words: (finding.severity, finding.count) for finding in audit(archive).findings}
    assert found == {
        "events lie before the day of their patient's birth": ("warning", 1),
        "events lie after the day of their patient's death": ("warning", 2),
        "patients have no events": ("note", 1),
        "patients have no date of birth, and so no age": ("note", 3),
        "measurements have no number in any event": ("warning", 1),
        "measurements have the same value in every event": ("note", 1),
        "measurements have values in no known unit": ("note", 1),
        "codes occur in one patient only": ("note", 5),
        "events of north (7.7%) are unmapped": ("warning", 1),
        "events of south (100.0%) are unmapped": ("warning", 1),
        "rows were left out": ("note", 7),
        "events that repeat another in every column were dropped": ("note", 2),
    }


def test_the_census_counts_by_code_mode_and_site(archive: Archive):
    counted = census(archive)
    codes = {row[0]: row[1:] for row in counted.codes.rows()}
    assert codes["WEIGHT"] == (2, 2, 1, 70.0, 71.0)
    assert codes["SILENT"] == (2, 0, 2, None, None)
    assert counted.modes.rows() == [("condition", 5, 3), ("measurement", 6, 2), ("medication", 1, 1), ("other", 2, 1)]
    assert counted.rules["rule"].unique().to_list() == ["test"]
    assert counted.sites.rows() == [("north", 13, 1), ("south", 1, 1)]
    assert (counted.patients, counted.before_birth, counted.after_death) == (3, 1, 2)


def test_events_further_apart_than_anybody_lives_are_a_finding(tmp_path: Path):
    with writing(tmp_path / "a", source="test") as draft:
        years = {"a": (1700, 1790), "b": (1900, 2020), "c": (1900, 2021), "d": (2020, 2150)}
        rows = [(draft.subject(name)[0], dt.datetime(year, 1, 2), "K") for name, both in years.items() for year in both]
        draft.events(pl.DataFrame(rows, schema=["subject_id", "time", "code"], orient="row"))
        draft.codes(pl.DataFrame({"code": ["K"], "mode": ["condition"], "rule": ["test"]}))
    found = {finding.words: finding.count for finding in audit(open_archive(tmp_path / "a")).findings}
    assert found["patients have events more than 120 years apart"] == 2


def test_the_contents_are_told_by_mode_and_rule(archive: Archive):
    text = str(audit(archive))
    assert "  events    measurement                         6 of 2 subjects\n" in text
    assert "  by rule   measurement (test)                  6 of 2 subjects\n" in text
    assert "warning        2 events lie after the day" in text


def test_of_many_sites_only_the_first_are_listed(tmp_path: Path):
    with writing(tmp_path / "a", source="test") as draft:
        for number in range(50):
            draft.subject(str(number), site=f"site {number:02d}")
    lines = str(audit(open_archive(tmp_path / "a"))).splitlines()
    assert lines[40].startswith("  subjects  site 39")
    assert lines[41] == "  subjects  ... and 10 further"


def test_an_archive_of_images_has_no_findings_about_records(tmp_path: Path):
    small_archive(tmp_path / "a")
    assert not [one for one in audit(open_archive(tmp_path / "a")).findings if "events" in one.words]
    assert Finding("note", "units have no reading", 0) not in audit(open_archive(tmp_path / "a")).findings


def test_units_of_patients_with_events_are_not_bare(archive: Archive):
    with writing(archive.path, source="stays") as draft:
        for name, site in (("CANARY-2", "north"), ("CANARY-4", "south")):
            subject_id, pseudonym = draft.subject(name, site=site)
            draft.unit(f"{pseudonym}/stay", subject_id, "stay")
    found = {finding.words: finding.count for finding in audit(open_archive(archive.path)).findings}
    assert found["units have neither image nor reading nor outcome"] == 1
    assert found["units have no outcome"] == 2
    assert "units have no image" not in found


def test_what_was_left_out_is_told_though_no_event_is_left(tmp_path: Path):
    with writing(tmp_path / "a", source="test") as draft:
        draft.subject("1")
        draft.record.count("events whose time cannot be read were left out", 12)
        draft.notes["warned"] = {"rows of labs were left out": 12}
    assert [(one.severity, one.count) for one in audit(open_archive(tmp_path / "a")).findings] == [
        ("warning", 12),
        ("note", 12),
    ]
