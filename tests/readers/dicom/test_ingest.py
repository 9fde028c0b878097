"""A folder of DICOM files to an archive: images with dates, what was left out counted, and nobody's name anywhere."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dicom_folder import NAME, PATIENT, write, write_series
from semeia.archive import open_archive
from semeia.errors import InputError
from semeia.readers import ingest_dicom
from semeia.readers.dicom.header import Header, read_header
from semeia.readers.dicom.ingest import left_behind

PLANES = np.random.default_rng(2).integers(0, 2000, (4, 6, 5)).astype(np.int16)
LATER = {"AcquisitionDate": "20210203", "SeriesInstanceUID": "1.2.3.5"}


def test_a_folder_of_everything(tmp_path: Path):
    export = tmp_path / f"{PATIENT} {NAME}"
    write_series(export / "ct", PLANES, RescaleIntercept=-1024)
    write_series(export / "later", PLANES, **LATER)
    write_series(export / "mr", PLANES, Modality="MR", SeriesInstanceUID="1.2.3.6", PatientID="other")
    write(export / "film", PLANES[0].astype(np.uint16), Modality="CR", PatientID="other", SOPInstanceUID="1.2.9")
    write(export / "scout", PLANES[0], ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    write(export / "dose", PLANES[0], SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    write_series(export / "gap", PLANES, positions=[(0, 0, z) for z in (0, 1, 2, 50)], SeriesInstanceUID="1.2.3.7")
    (export / "notes.txt").write_text("none")
    summary = ingest_dicom(export, into=tmp_path / "archive", site="somewhere", workers=1)
    counted = summary.notes["counted"]
    left_out = {words: number for words, number in counted.items() if words.startswith("left out")}
    assert sorted(left_out.values()) == [1, 1, 1, 1]
    assert counted["series hold PatientName in their headers, which was not read"] == 5
    archive = open_archive(tmp_path / "archive")
    images = archive.table("images").sort("subject_id", "time", "kind")
    assert images["kind"].to_list() == ["hu", "hu", "mri", "picture"]
    assert images["unit_id"].null_count() == 4
    assert images["time"].to_list()[:2] == [dt.datetime(2020, 1, 31, 10, 15, 30), dt.datetime(2021, 2, 3, 10, 15, 30)]
    first = archive.pixels(images.row(0, named=True))
    assert np.array_equal(first, PLANES.transpose(2, 1, 0)[::-1, ::-1] - 1024)
    units = archive.table("units").sort("subject_id")
    assert units["kind"].to_list() == ["patient", "patient"]
    assert units["time"].to_list() == [images["time"][1], images["time"][3]]
    people = archive.table("subjects")
    assert people["site"].unique().to_list() == ["somewhere"]
    assert people["sex"].to_list() == ["female"] * 2
    for word in (PATIENT, NAME, "1.2.3.5", "other"):
        assert not [file for file in archive.path.rglob("*") if file.is_file() and word.encode() in file.read_bytes()]
        assert word not in pl.concat([people, units, images], how="diagonal").write_json()


def test_what_is_left_behind_is_named_without_its_value(tmp_path: Path):
    physician = {"ReferringPhysicianName": "Roe^Rick", "PatientAddress": "12 Nowhere Street", "OperatorsName": ""}
    write_series(tmp_path, PLANES, **physician)
    header = read_header(next(tmp_path.iterdir()))
    assert isinstance(header, Header)
    assert left_behind([header, header]) == {"PatientName": 2, "ReferringPhysicianName": 2, "PatientAddress": 2}


def test_the_same_folder_again_adds_nothing(tmp_path: Path):
    write_series(tmp_path / "export", PLANES)
    ingest_dicom(tmp_path / "export", into=tmp_path / "archive", workers=1)
    again = ingest_dicom(tmp_path / "export", into=tmp_path / "archive", workers=1)
    assert again.repeated
    assert open_archive(tmp_path / "archive").table("images").height == 1


def test_headers_that_disagree_of_a_patient_are_not_believed(tmp_path: Path):
    write_series(tmp_path / "export" / "a", PLANES)
    write_series(tmp_path / "export" / "b", PLANES, PatientSex="M", PatientBirthDate="19600309", **LATER)
    summary = ingest_dicom(tmp_path / "export", into=tmp_path / "archive", workers=1)
    assert sum("none was taken" in words for words in summary.notes["counted"]) == 2
    people = open_archive(tmp_path / "archive").table("subjects")
    assert people.select("sex", "birth").row(0) == (None, None)


def test_an_image_without_a_date_is_counted(tmp_path: Path):
    write_series(tmp_path / "export", PLANES, AcquisitionDate=None)
    summary = ingest_dicom(tmp_path / "export", into=tmp_path / "archive", workers=1)
    assert summary.notes["counted"]["images have no date"] == 1
    assert open_archive(tmp_path / "archive").table("units")["time"].to_list() == [None]


def test_workers_change_nothing(tmp_path: Path):
    for number in range(3):
        facts = {"SeriesInstanceUID": f"1.2.3.{number}", "PatientID": str(number)}
        write_series(tmp_path / "export" / str(number), PLANES + number, **facts)
    key = tmp_path / "key"
    key.write_text("ab" * 32)
    key.chmod(0o600)
    for workers in (1, 2):
        ingest_dicom(tmp_path / "export", into=tmp_path / str(workers), key=key, workers=workers)
    one, two = (open_archive(tmp_path / str(workers)) for workers in (1, 2))
    assert one.files == two.files


@pytest.mark.parametrize("facts", [{"PatientID": None}, {"Modality": "US"}, {"ImagePositionPatient": None}])
def test_nothing_to_read_is_one_line_without_a_name(tmp_path: Path, facts: dict):
    write(tmp_path / "export" / PATIENT, PLANES[0], **facts)
    with pytest.raises(InputError, match="no image of the folder can be read") as caught:
        ingest_dicom(tmp_path / "export", into=tmp_path / "archive", workers=1)
    assert not [word for word in (PATIENT, NAME, "1.2.3") if word in str(caught.value)]
    assert not (tmp_path / "archive").exists()
