"""Patients of a fit are recognised by pseudonym, and in another archive by how their records begin."""

from pathlib import Path

import polars as pl
import pytest

from record_archive import random_rows, record_archive
from record_frames import MODES, event_frame
from semeia.archive import Archive, open_archive, writing
from semeia.errors import InputError
from semeia.signatures.fitted_on import fitted_on

ROWS = random_rows(6, 40)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return record_archive(tmp_path / "archive", ROWS, patients=6)


def test_the_same_archive_knows_its_patients(archive: Archive):
    marks = fitted_on(archive, [2, 5])
    assert marks.seen(archive, [1, 2, 3, 5]) == [2, 5]
    assert len(marks.patients) == len(marks.records) == 2
    with pytest.raises(InputError, match="2 of 3 patients"):
        marks.require_unseen(archive, [5, 2, 1])
    marks.require_unseen(archive, [1, 3])


def test_another_key_and_a_longer_record_do_not_hide_a_patient(archive: Archive, tmp_path: Path):
    longer = [*ROWS, *((subject, 24 * 1001.0, code, None) for subject in range(1, 7) for code in ("C/1", "D/1"))]
    with writing(tmp_path / "other", source="test") as draft:
        for number in range(6, 0, -1):
            draft.subject(f"another-{number}")
        draft.codes(pl.DataFrame({"code": list(MODES), "mode": list(MODES.values()), "rule": "test"}))
        turned = pl.col("subject_id").replace_strict({n: 7 - n for n in range(1, 7)}, return_dtype=pl.Int64)
        draft.events(event_frame([row for row in longer if row[2] in MODES]).with_columns(turned))
    other = open_archive(tmp_path / "other")
    marks = fitted_on(record_archive(tmp_path / "same", [r for r in ROWS if r[2] in MODES], patients=6), [2])
    assert marks.seen(other, [1, 2, 3, 4, 5, 6]) == [5]


def test_marks_name_nobody(archive: Archive):
    marks = fitted_on(archive, [1])
    pseudonyms = archive.table("subjects")["pseudonym"].to_list()
    assert not set(pseudonyms) & {*marks.patients, *marks.records}


def test_records_of_hardly_any_event_are_nobody_s(tmp_path: Path):
    rows = [(subject, 24.0 * day, "C/1", None) for subject in (1, 2) for day in range(4)]
    mine = record_archive(tmp_path / "mine", rows, patients=2)
    assert fitted_on(mine, [1]).records == ()
    assert fitted_on(mine, [1]).seen(mine, [1, 2]) == [1]


def test_equal_beginnings_with_other_values_are_other_patients(tmp_path: Path):
    rows = [(subject, 24.0 * day, "L/1", float(subject)) for subject in (1, 2) for day in range(8)]
    mine = record_archive(tmp_path / "mine", rows, patients=2)
    assert fitted_on(mine, [1]).seen(mine, [1, 2]) == [1]


def test_a_refusal_names_pseudonyms(archive: Archive):
    name = archive.table("subjects").filter(subject_id=2)["pseudonym"][0]
    with pytest.raises(InputError, match=rf"1 of 2 patients .*\({name}\); leave them out .* --skip-seen"):
        fitted_on(archive, [2]).require_unseen(archive, [1, 2])
