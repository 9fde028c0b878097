"""What is one id and what is two: ways in which spreadsheets and keyboards write are one, others are only told."""

import polars as pl
import pytest

from semeia.archive import PRIVACY, audit, open_archive, writing
from semeia.archive.identity import canonical, near, spelling
from semeia.archive.part.people import People


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("12.0", "12"),
        ("12.00", "12"),
        ("12,0", "12"),
        ("  P01\u00a0", "P01"),
        ("P\u200b01", "P01"),
        ("\ufeffP01", "P01"),
        ("P \u2009 01", "P 01"),
        ("Mu\u0308ller", "M\u00fcller"),
        ('="007"', "007"),
        ("'-12", "-12"),
    ],
)
def test_ways_of_writing_one_id(written: str, same: str):
    assert canonical(written) == same == canonical(same)


@pytest.mark.parametrize("other", ["007", "7.5", "1e5", "12.000", "1,000", "2020-01-05", "1-2", "p01", "P-01", "1.0.0"])
def test_what_may_be_another_id_stays_as_written(other: str):
    assert canonical(other) == other


@pytest.mark.parametrize(("one", "other"), [("P01", "p 1"), ("P-001", "P1"), ("007", "7"), ("2020-01-05", "2020/1/5")])
def test_near_spellings(one: str, other: str):
    assert spelling(one) == spelling(other)


@pytest.mark.parametrize(("one", "other"), [("1-2", "12"), ("P1", "P10"), ("100", "1"), ("A1", "B1"), ("1.5", "15")])
def test_far_spellings(one: str, other: str):
    assert spelling(one) != spelling(other)


def test_the_same_spelling_counts_at_one_site_or_where_none_is_known():
    rows = [("a", "north", "x"), ("b", "south", "x"), ("c", None, "y"), ("d", "south", "y"), ("e", "North ", "x")]
    table = pl.DataFrame(rows, schema=["pseudonym", "site", "spelling"], orient="row")
    assert near(table) == [("c", "d"), ("a", "e")]
    assert near(table.with_columns(spelling=pl.lit(None, pl.String))) == []


def test_one_person_keeps_one_pseudonym_across_parts(tmp_path):
    ids = (("12", "7"), ("12.0", " 7\u00a0"))
    for place, names in enumerate(ids):
        with writing(tmp_path / "a", source="test") as draft:
            for name in names:
                draft.unit(f"u{place}{name.strip()}", draft.subject(name)[0], "scan")
    assert open_archive(tmp_path / "a").table("subjects").height == 2


def test_near_spellings_are_noted_at_ingest_and_found_by_the_audit(tmp_path):
    for place, name in enumerate(("P01", "p01", "P02")):
        with writing(tmp_path / "a", source="test") as draft:
            draft.unit(f"u{place}", draft.subject(name)[0], "scan")
        assert ("differ only in case" in str(draft.summary)) == (name == "p01")
    archive = open_archive(tmp_path / "a")
    names = archive.table("subjects")["pseudonym"].to_list()
    findings = [finding for finding in audit(archive).findings if "differ only" in finding.words]
    assert [(finding.severity, finding.count) for finding in findings] == [("warning", 1)]
    assert f"{names[0]} and {names[1]}" in findings[0].words
    assert "P01" not in str(audit(archive))


def test_a_patient_hashed_as_written_by_an_older_version_is_found_again():
    key = bytes(range(32))
    older = People(key, [], privacy=PRIVACY).subject("12", site=None, sex=None, birth=None, split=None)[1]
    from semeia.archive.keys import pseudonym

    as_written = pseudonym(key, "12.0")
    assert older != as_written
    people = People(key, [{"subject_id": 1, "pseudonym": as_written, "site": None, "split": "train"}], privacy=PRIVACY)
    assert people.subject("12.0", site=None, sex=None, birth=None, split=None) == (1, as_written)
