"""What is taken of a DICOM header, and what is a reason to leave a file out."""

import datetime as dt
import os
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from dicom_folder import PATIENT, header, write
from semeia.readers.dicom import header as reasons
from semeia.readers.dicom.header import Header, read_header
from semeia.readers.dicom.moment import moment_of

PLANE = np.arange(12, dtype=np.int16).reshape(3, 4)


def test_what_is_needed_of_a_slice_is_read(tmp_path: Path):
    place = {"ImagePositionPatient": [1.5, -2, 3], "PixelSpacing": [0.5, 0.25], "RescaleIntercept": -1024}
    found = read_header(write(tmp_path / "any name", PLANE, **place))
    assert isinstance(found, Header)
    assert (found.patient, found.sex, found.birth) == (PATIENT, "female", dt.date(1950, 3, 9))
    assert (found.modality, found.rows, found.columns, found.signed) == ("CT", 3, 4, True)
    assert found.when == dt.datetime(2020, 1, 31, 10, 15, 30)
    (plane,) = found.planes
    assert (plane.position, plane.pixel_mm) == ((1.5, -2.0, 3.0), (0.5, 0.25))
    assert (plane.slope, plane.intercept) == (1.0, -1024.0)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, reasons.LOCALIZER),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, reasons.SCREEN),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, reasons.SCREEN),
        ({"Modality": "US"}, reasons.OTHER.format("US")),
        ({"Modality": "Doe, Jane"}, reasons.OTHER.format("?")),
        ({"BurnedInAnnotation": "YES"}, reasons.BURNED_IN),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}, reasons.COLOUR),
        ({"PatientID": None}, reasons.NOBODY),
        ({"PatientID": "  "}, reasons.NOBODY),
        ({"RescaleSlope": 0}, reasons.NO_SCALE),
        ({"NumberOfFrames": 2**30}, reasons.ABSURD),
    ],
)
def test_what_is_no_image_to_learn_from_is_left_out_by_reason(tmp_path: Path, facts: dict, why: str):
    assert read_header(write(tmp_path / "file", PLANE, **facts)) == why


def test_objects_without_pixels_and_files_of_other_kinds_are_left_out(tmp_path: Path):
    report = header(Modality="SR", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", PixelSpacing=None)
    report.file_meta.MediaStorageSOPInstanceUID = report.SOPInstanceUID
    report.save_as(tmp_path / "report", enforce_file_format=True)
    assert read_header(tmp_path / "report") == reasons.NO_IMAGE
    bare = header()
    bare.Rows, bare.Columns = 3, 4
    bare.save_as(tmp_path / "bare", enforce_file_format=True)
    assert read_header(tmp_path / "bare") == reasons.NO_PIXELS
    (tmp_path / "note.txt").write_text("to the DICM of nobody")
    assert read_header(tmp_path / "note.txt") == reasons.FOREIGN
    os.mkfifo(tmp_path / "pipe")
    assert read_header(tmp_path / "pipe") == reasons.FOREIGN
    assert read_header(tmp_path / "absent") == reasons.FOREIGN


def test_a_file_that_would_grow_when_inflated_is_not_inflated(tmp_path: Path):
    path = write(tmp_path / "file", np.zeros((512, 512), np.int16))
    found = pydicom.dcmread(path)
    found.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    found.save_as(path)
    assert path.stat().st_size < 2000
    assert read_header(path) == reasons.DEFLATED


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_header_never_raises(tmp_path: Path, seed: int):
    rng = np.random.default_rng(seed)
    content = bytearray(write(tmp_path / "file", PLANE).read_bytes())
    for place in rng.integers(132, len(content), 20):
        content[place] = rng.integers(256)
    (tmp_path / "file").write_bytes(bytes(content[: int(rng.integers(140, len(content) + 1))]))
    assert isinstance(read_header(tmp_path / "file"), Header | str)


@pytest.mark.parametrize(
    ("facts", "moment"),
    [
        ({"AcquisitionDateTime": "20200131235959.5+0100"}, dt.datetime(2020, 1, 31, 22, 59, 59)),
        ({"AcquisitionDateTime": "20200131"}, dt.datetime(2020, 1, 31)),
        ({"TimezoneOffsetFromUTC": "-0500"}, dt.datetime(2020, 1, 31, 15, 15, 30)),
        ({"AcquisitionTime": "10"}, dt.datetime(2020, 1, 31, 10)),
        ({"AcquisitionTime": "25"}, dt.datetime(2020, 1, 31)),
        ({"AcquisitionDate": None, "ContentDate": "2019.12.24"}, dt.datetime(2019, 12, 24)),
        ({"AcquisitionDate": None, "StudyDate": "19991231", "StudyTime": "08:15:00"}, dt.datetime(1999, 12, 31, 8, 15)),
        ({"AcquisitionDate": "20201331"}, None),
        ({"AcquisitionDate": "00000101"}, None),
        ({"AcquisitionDate": None}, None),
    ],
)
def test_the_moment_of_the_acquisition(facts: dict, moment: dt.datetime | None):
    assert moment_of(header(**facts)) == moment
