"""Planes are put together by where they lie, whatever their files are called."""

from pathlib import Path

import numpy as np

from dicom_folder import write, write_series
from semeia.readers.dicom import series
from semeia.readers.dicom.ingest import index_folder
from semeia.readers.dicom.series import Stack, stacks_of

PLANES = np.arange(60, dtype=np.int16).reshape(5, 3, 4)


def stacks(folder: Path) -> tuple[list[Stack], dict[str, int]]:
    found, left_out = stacks_of(index_folder(folder).headers)
    return found, dict(left_out)


def depths(found: list[Stack]) -> list[list[float]]:
    return [stack.depths.tolist() for stack in found]


def test_slices_are_ordered_by_place_and_not_by_name(tmp_path: Path):
    write_series(tmp_path, PLANES, each=[{"InstanceNumber": number} for number in (3, 1, 5, 2, 4)])
    found, left_out = stacks(tmp_path)
    assert depths(found) == [[0, 2, 4, 6, 8]]
    assert not left_out


def test_mixed_orientations_grids_and_sizes_of_one_series_are_stacks_of_their_own(tmp_path: Path):
    write_series(tmp_path / "a", PLANES)
    sideways = [(2.0 * place, 0, 0) for place in range(5)]
    write_series(tmp_path / "b", PLANES, positions=sideways, ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    write_series(tmp_path / "c", PLANES[:, :2])
    write_series(tmp_path / "d", PLANES, PixelSpacing=[0.5, 0.5])
    tilted = [1, 0, 0, 0, float(np.cos(0.3)), float(np.sin(0.3))]
    write_series(tmp_path / "e", PLANES, ImageOrientationPatient=tilted)
    write(tmp_path / "f", PLANES[0], ImageOrientationPatient=[1, 0, 0, 0, 0, -1])  # an unmarked localizer
    found, left_out = stacks(tmp_path)
    assert [len(stack.slices) for stack in found] == [5] * 5
    assert all(len({one.header.path.parent for one in stack.slices}) == 1 for stack in found)
    assert left_out == {series.SINGLE: 1}


def test_two_patients_under_one_series_uid_stay_two(tmp_path: Path):
    write_series(tmp_path / "a", PLANES)
    write_series(tmp_path / "b", PLANES, PatientID="other")
    found, _ = stacks(tmp_path)
    assert [len(stack.slices) for stack in found] == [5, 5]
    assert {stack.header.patient for stack in found} == {"MRN0042871", "other"}


def test_phases_and_echoes_at_the_same_places_are_divided(tmp_path: Path):
    write_series(tmp_path / "a", PLANES, EchoTime=10, Modality="MR", AcquisitionNumber=1)
    write_series(tmp_path / "b", PLANES, EchoTime=90, Modality="MR", AcquisitionNumber=1)
    found, _ = stacks(tmp_path)
    assert depths(found) == [[0, 2, 4, 6, 8]] * 2
    assert [len({one.header.path.parent for one in stack.slices}) for stack in found] == [1, 1]


def test_an_acquisition_number_that_grows_with_the_table_divides_nothing(tmp_path: Path):
    write_series(tmp_path, PLANES, each=[{"AcquisitionNumber": place // 2} for place in range(5)])
    found, _ = stacks(tmp_path)
    assert depths(found) == [[0, 2, 4, 6, 8]]


def test_what_lies_nowhere_is_counted(tmp_path: Path):
    write(tmp_path / "a", PLANES[0], ImagePositionPatient=None)
    write(tmp_path / "b", PLANES[0], ImageOrientationPatient=[1, 0, 0, 1, 0, 0])
    write(tmp_path / "c", PLANES[0], PixelSpacing=None)
    found, left_out = stacks(tmp_path)
    assert not found
    assert left_out == {series.NOWHERE: 2, series.ODD_AXES: 1}


def test_a_radiograph_counts_once_and_one_of_several_frames_not_at_all(tmp_path: Path):
    film = {"Modality": "DX", "ImagePositionPatient": None, "SOPInstanceUID": "1.2.3.9"}
    write(tmp_path / "a", PLANES[0], **film)
    write(tmp_path / "copy", PLANES[0], **film)
    write(tmp_path / "b", PLANES[:2], NumberOfFrames=2, **film | {"SOPInstanceUID": "1.2.3.8"})
    found, left_out = stacks(tmp_path)
    assert len(found) == 1
    assert left_out == {series.SAME_FILM: 1, series.FRAMES: 1}


def test_an_index_read_by_two_processes_is_the_same(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("semeia.readers.dicom.ingest._CHUNK", 2)
    write_series(tmp_path, PLANES)
    (tmp_path / "note").write_text("no image")
    assert index_folder(tmp_path, workers=2) == index_folder(tmp_path, workers=1)
