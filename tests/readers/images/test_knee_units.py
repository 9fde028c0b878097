"""Original ids and the archive's key find the units; another key finds nothing and is refused."""

from pathlib import Path

import pytest

from archive_folder import small_archive
from knee_folder import PATIENTS, write_knees
from lidc_folder import read_rows, write_rows
from semeia.archive import open_archive
from semeia.errors import InputError
from semeia.readers import ingest_knees
from semeia.readers.images.knees import knee_units


def test_knees_and_images_are_found(tmp_path: Path):
    write_knees(tmp_path / "sides")
    write_knees(tmp_path / "images", ("CANARY1", "CANARY2"))
    rows = read_rows(tmp_path / "images" / "labels.csv")
    write_rows(tmp_path / "images" / "labels.csv", [row | {"side": "U"} for row in rows])
    ingest_knees(tmp_path / "sides", into=tmp_path / "a", site="north")
    ingest_knees(tmp_path / "images", into=tmp_path / "a")
    archive = open_archive(tmp_path / "a")
    found = knee_units(archive)
    units = archive.table("units")
    sided = {found.of_knee(patient, side)[0] for patient in PATIENTS for side in "LR"}
    assert sided == set(units.filter(units["side"] != "U")["unit_id"])
    assert {found.of_image(str(row["image"]))[0] for row in rows} == set(units["unit_id"]) - sided
    for nothing in (found.of_knee("CANARY1", "L"), found.of_knee("absent", "L"), found.of_image("absent.png")):
        assert nothing == ()
    ingest_knees(tmp_path / "sides", into=tmp_path / "a", site="south")
    assert len(knee_units(open_archive(tmp_path / "a")).of_knee(PATIENTS[0], "R")) == 2


def test_the_key_is_needed_and_must_be_the_archives(tmp_path: Path):
    for name in ("a", "b"):
        small_archive(tmp_path / name)
    with pytest.raises(InputError, match="not the key of"):
        knee_units(open_archive(tmp_path / "a"), key=tmp_path / "b.key")
    (tmp_path / "a.key").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="key is kept elsewhere; say where with key=FILE"):
        knee_units(open_archive(tmp_path / "a"))
    assert knee_units(open_archive(tmp_path / "a"), key=tmp_path / "elsewhere").subjects
