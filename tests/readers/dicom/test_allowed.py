"""The allow-list of DICOM attributes against PS3.15, as dicom-anonymizer carries it: what is to go is never kept."""

from pathlib import Path

import numpy as np
import pytest
from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as standard
from pydicom.datadict import tag_for_keyword

from dicom_folder import write
from semeia.readers.dicom.header import ALLOWED, FACES, TAGS, UNLISTED, Header, read_header

GO = {
    tag[:2]
    for name in dir(standard)
    if name.endswith("TAGS") and not name.startswith("ALL")
    for tag in getattr(standard, name)
}
PLANE = np.zeros((4, 5), np.int16)


def test_what_the_standard_removes_or_replaces_is_not_kept_as_it_is():
    assert len(GO) > 600
    gone = {name for name in TAGS if divmod(int(tag_for_keyword(name) or 0), 2**16) in GO}
    assert {"PatientID", "PatientBirthDate", "StudyInstanceUID", "AcquisitionDate"} <= gone
    kept = {name for part in ("common", "volume", "film") for name in ALLOWED[part].get("keep", [])}
    assert not kept & gone


def test_every_attribute_is_one_of_the_standard_and_stands_once():
    assert all(tag_for_keyword(name) is not None for name in TAGS)
    assert len(TAGS) == len(set(TAGS))


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.9.1.1"}, UNLISTED),
        ({"SOPClassUID": "1.3.6.1.4.1.9.9"}, UNLISTED),
        ({"RecognizableVisualFeatures": "YES"}, FACES),
    ],
)
def test_what_is_not_on_the_list_is_left_out(tmp_path: Path, facts: dict[str, str], why: str):
    write(tmp_path / "file", PLANE, **facts)
    assert read_header(tmp_path / "file") == why


def test_an_attribute_of_another_class_is_not_looked_at(tmp_path: Path):
    write(tmp_path / "ct", PLANE, PixelSpacing=None, ImagerPixelSpacing=[3, 3])
    header = read_header(tmp_path / "ct")
    assert isinstance(header, Header)
    assert header.planes[0].pixel_mm is None
