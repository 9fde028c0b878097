"""Reports land on the units they are about; what is wrong is one line without a patient's id or a word of the text."""

from pathlib import Path

import pytest

from archive_folder import listing
from knee_folder import PATIENTS, write_knees
from lidc_folder import write_rows
from semeia import cli
from semeia.archive import Archive, audit, open_archive
from semeia.errors import InputError
from semeia.readers import ingest_knees, ingest_reports, read_reports
from semeia.readers.images.knees import knee_units
from semeia.readers.reports import LONGEST

Rows = list[dict[str, object]]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    write_knees(tmp_path / "knee")
    ingest_knees(tmp_path / "knee", into=tmp_path / "a", site="north")
    return open_archive(tmp_path / "a")


def _rows() -> Rows:
    """One report a knee, the last two alike."""
    knees = [(patient, side) for patient in PATIENTS for side in "LR"]
    texts = [f"No effusion {'of note ' * min(place, 4)}(état)." for place in range(len(knees))]
    return [{"patient_id": p, "side": s, "text": text} for (p, s), text in zip(knees, texts, strict=True)]


def test_reports_are_read_by_patient_and_side(archive: Archive, tmp_path: Path):
    rows = [*_rows(), _rows()[0], {"patient_id": "another", "side": "l", "text": "of nobody here"}]
    frame = read_reports(write_rows(tmp_path / "r.csv", rows), archive)
    units = knee_units(archive)
    expected = {units.of_knee(str(row["patient_id"]), str(row["side"]))[0]: row["text"] for row in _rows()}
    assert dict(frame.iter_rows()) == expected
    assert frame["unit_id"].is_sorted()


def test_columns_of_other_names_are_said_with_map(archive: Archive, tmp_path: Path):
    rows = [{"Patient": row["patient_id"], "Seite": row["side"], "Befund": row["text"]} for row in _rows()]
    words = ["ingest", "reports", str(write_rows(tmp_path / "r.csv", rows)), "--into", str(archive.path), "--map"]
    assert cli.main([*words, "patient_id=Patient", "side=Seite", "text=Befund"]) == 0
    after = open_archive(archive.path)
    assert after.table("reports").height == 6
    assert after.parts[-1]["notes"] == {}


def test_reports_become_a_part(archive: Archive, tmp_path: Path):
    rows = [*_rows(), {"patient_id": "another", "side": "L", "text": "of nobody here"}]
    file = write_rows(tmp_path / "r.csv", rows)
    summary = ingest_reports(file, into=archive.path)
    assert (summary.reports, summary.units, summary.images) == (6, 0, 0)
    assert "0 units, 6 reports" in str(summary)
    after = open_archive(archive.path)
    assert after.verify() == []
    assert after.table("reports").select("unit_id", "text").sort("unit_id").equals(read_reports(file, archive))
    assert after.table("reports").join(after.table("units"), on=["unit_id", "subject_id"]).height == 6
    assert after.parts[-1]["notes"] == {"counted": {"reports of what is not in the archive, left out": 1}}
    str(audit(after))
    assert all(b"CANARY" not in content for content in listing(archive.path).values())
    assert after.parts[-1]["source"] == "reports"
    before = listing(archive.path)
    assert ingest_reports(file, into=archive.path).repeated
    with pytest.raises(InputError, match="refused: 3 of 3 rows of reports are already"):
        ingest_reports(write_rows(tmp_path / "half.csv", rows[:3]), into=archive.path)
    assert listing(archive.path) == before


def test_made_up_reports_are_marked_so(archive: Archive, tmp_path: Path):
    rows = [row | {"synthetic": "true"} for row in _rows()]
    assert "from synthetic reports" in str(ingest_reports(write_rows(tmp_path / "r.csv", rows), into=archive.path))
    assert open_archive(archive.path).parts[-1]["source"] == "synthetic reports"


def test_the_command_says_whose_duty_names_are(archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["ingest", "reports", "--help"]) == 0
    assert "Take names, ids and dates out of them first" in " ".join(capsys.readouterr().out.split())
    file = write_rows(tmp_path / "r.csv", _rows())
    assert cli.main(["ingest", "reports", str(file), "--into", str(archive.path)]) == 0
    assert "6 reports" in capsys.readouterr().out


def test_knees_of_unknown_side_are_told_by_their_image(archive: Archive, tmp_path: Path):
    write_knees(tmp_path / "more", ("CANARY1", "CANARY2"))
    write_rows(tmp_path / "more" / "labels.csv", [{"image": "CANARY1L.png", "patient_id": "1"}])
    ingest_knees(tmp_path / "more", into=archive.path)
    found = open_archive(archive.path)
    unit = knee_units(found).of_image("CANARY1L.png")[0]
    rows: Rows = [{"image": "CANARY1L.png", "text": "an effusion"}]
    assert read_reports(write_rows(tmp_path / "r.csv", rows), found).rows() == [(unit, "an effusion")]
    rows = [
        _rows()[0] | {"image": ""},
        {"patient_id": "1", "side": "U", "text": "an effusion", "image": "CANARY1L.png"},
    ]
    assert read_reports(write_rows(tmp_path / "r.csv", rows), found).height == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"text": ""}, "row 3, column text: is empty"),
        ({"text": "   "}, "row 3, column text: is empty"),
        ({"text": "x" * (LONGEST + 1)}, f"row 3, column text: has {LONGEST + 1} characters, at most {LONGEST}"),
        ({"text": "\ufffdtat"}, "row 3, column text: holds letters that were lost in a conversion"),
        ({"text": f"Report on {PATIENTS[0]}: no effusion"}, "row 3, column text: holds the patient's id"),
        ({"side": "L"}, "row 3, column text: is another text than that of row 2 on the same unit"),
        ({"side": "both"}, "row 3, column side: must be one of L, R, U"),
        ({"side": "U"}, "row 3, column side: must be L or R where there is no column image"),
        ({"patient_id": ""}, "row 3, column patient_id: is empty"),
    ],
)
def test_each_thing_wrong_is_one_line(archive: Archive, tmp_path: Path, change: dict[str, object], words: str):
    rows = _rows()
    rows[1] |= change
    before = listing(archive.path)
    with pytest.raises(InputError, match=f"^r.csv, {words}[^\n]*$") as caught:
        ingest_reports(write_rows(tmp_path / "r.csv", rows), into=archive.path)
    assert "CANARY" not in str(caught.value)
    assert "effusion" not in str(caught.value)
    assert listing(archive.path) == before


def test_the_longest_text_is_read(archive: Archive, tmp_path: Path):
    rows = [_rows()[0] | {"text": "é" * LONGEST}]
    assert read_reports(write_rows(tmp_path / "r.csv", rows), archive)["text"].to_list() == ["é" * LONGEST]


def test_tables_that_cannot_be_used(archive: Archive, tmp_path: Path):
    file = tmp_path / "r.csv"
    file.write_bytes("patient_id,side,text\n1,L,état\n".encode("latin-1"))
    with pytest.raises(InputError, match="save it as CSV in UTF-8"):
        read_reports(file, archive)
    for column in ("patient_id", "side"):
        rows = [{name: cell for name, cell in row.items() if name != column} for row in _rows()]
        with pytest.raises(InputError, match=r"lacks the column\(s\) patient_id and side, or image"):
            read_reports(write_rows(file, rows), archive)
    rows = [row | {"patient_id": "nobody"} for row in _rows()]
    with pytest.raises(InputError, match="none of the 6 reports is about a unit of"):
        ingest_reports(write_rows(file, rows), into=archive.path)
    with pytest.raises(InputError, match="no such archive"):
        ingest_reports(file, into=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_patient_at_two_sites_is_not_guessed(archive: Archive, tmp_path: Path):
    ingest_knees(tmp_path / "knee", into=archive.path, site="south")
    with pytest.raises(InputError, match="row 2, column patient_id: fits 2 units of the archive"):
        read_reports(write_rows(tmp_path / "r.csv", _rows()), open_archive(archive.path))
