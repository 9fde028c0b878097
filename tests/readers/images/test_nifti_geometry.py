"""Where the voxels lie is taken from what the header says best, and what it says otherwise is remarked upon."""

import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from semeia.errors import InputError
from semeia.readers import read_nifti
from semeia.readers.images import nifti_geometry as geometry

VOXELS = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
# Byte offsets of the header: pixdim 76, xyzt_units 123, qform_code 252, sform_code 254, quatern_b 256, srow_x 280.
MM = {123: ("B", 2)}


def _read(path: Path, affine: np.ndarray, *, qform: np.ndarray | None = None, edits: dict | None = None):
    image = nib.Nifti1Image(VOXELS, affine)
    image.set_qform(qform, code=0 if qform is None else 1)
    nib.save(image, path / "v.nii")
    content = bytearray((path / "v.nii").read_bytes())
    for offset, (form, *values) in {**MM, **(edits or {})}.items():
        struct.pack_into(f"<{form}", content, offset, *values)
    (path / "v.nii").write_bytes(bytes(content))
    return read_nifti(path / "v.nii")


def _remarks(volume) -> list[tuple[str, str]]:
    return [(remark.what, remark.detail) for remark in volume.remarks]


def test_a_plain_header_calls_for_no_remark(tmp_path: Path):
    affine = np.diag([-1.0, -1, 2, 1])
    assert _remarks(_read(tmp_path, affine, qform=affine)) == []


@pytest.mark.parametrize(
    ("qform", "detail"),
    [
        (np.diag([1.0, 2, -3, 1]), "by 180 degrees"),
        (np.diag([-1.0, 2, 3, 1]), "by 180 degrees"),
        (np.array([[1.0, 0, 0, 40], [0, 2, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1]]), "by 40 mm"),
    ],
)
def test_the_sform_is_taken_and_a_qform_that_disagrees_is_said(tmp_path: Path, qform: np.ndarray, detail: str):
    volume = _read(tmp_path, np.diag([1.0, 2, 3, 1]), qform=qform)
    assert _remarks(volume) == [(geometry.TWO_FORMS, detail)]
    assert volume.affine == pytest.approx(np.diag([1.0, 2, 3, 1]))


def test_a_voxel_size_that_disagrees_is_said(tmp_path: Path):
    volume = _read(tmp_path, np.diag([1.0, 2, 3, 1]), edits={76: ("4f", 1, 1, 2, 1)})
    assert _remarks(volume) == [(geometry.TWO_SIZES, "3 times")]
    assert volume.spacing == (1.0, 2.0, 3.0)


@pytest.mark.parametrize("row", [(0.0, 0, 0, 0), (float("nan"), 0, 0, 0), (1e-12, 0, 0, 0)])
def test_a_good_qform_stands_in_for_an_sform_without_a_geometry(tmp_path: Path, row: tuple):
    turned = np.eye(4)
    turned[:3, :3] = Rotation.from_euler("xyz", [20, 30, 40], degrees=True).as_matrix() * [1, 2, 3]
    turned[:3, 3] = [5, 6, 7]
    there = _read(tmp_path, turned, qform=turned)
    volume = _read(tmp_path, turned, qform=turned, edits={254: ("h", 1), 280: ("4f", *row)})
    assert _remarks(volume) == [(geometry.BAD_SFORM, "")]
    assert volume.affine == pytest.approx(there.affine, abs=1e-5)
    assert volume.orientation == there.orientation


def test_the_qform_is_that_of_nibabel(tmp_path: Path):
    for seed in range(5):
        affine = np.eye(4)
        affine[:3, :3] = Rotation.random(rng=seed).as_matrix() * [1, 2, -3 if seed % 2 else 3]
        affine[:3, 3] = [-4, 5, 6]
        header = nib.Nifti1Header()
        header.set_qform(affine, code=1)
        header.set_data_shape((9, 9, 9))
        header.set_xyzt_units("mm")
        found = geometry.geometry_of(dict(header.items()), called="it")
        assert found.affine == pytest.approx(header.get_qform(), abs=1e-5)
        assert found.spacing == pytest.approx((1, 2, 3))


def test_both_without_a_geometry_are_refused_by_name(tmp_path: Path):
    edits = {254: ("h", 1), 280: ("4f", 0, 0, 0, 0), 256: ("3f", 2, 2, 2)}
    with pytest.raises(InputError, match=r"v.nii: its sform and qform is no geometry"):
        _read(tmp_path, np.eye(4), qform=np.eye(4), edits=edits)


def test_a_qform_that_is_no_rotation_is_left_aside(tmp_path: Path):
    assert _remarks(_read(tmp_path, np.eye(4), qform=np.eye(4), edits={256: ("3f", 2, 2, 2)})) == [
        (geometry.BAD_QFORM, "")
    ]


def test_without_an_orientation_voxels_stay_as_stored(tmp_path: Path):
    volume = _read(tmp_path, np.diag([1.0, 2, 3, 1]), edits={252: ("2h", 0, 0)})
    assert np.array_equal(volume.array, VOXELS)
    assert (volume.orientation, volume.affine, volume.spacing) == (None, None, (1.0, 2.0, 3.0))
    assert _remarks(volume) == [(geometry.UNKNOWN_ORIENTATION, "")]


@pytest.mark.parametrize(("degrees", "said"), [(0.5, False), (25.0, True)])
def test_axes_that_are_not_square_are_said(tmp_path: Path, degrees: float, said: bool):
    affine = np.diag([1.0, 1, 3, 1])
    affine[1, 2] = 3 * np.tan(np.radians(degrees))
    volume = _read(tmp_path, affine, edits={76: ("4f", 1, 1, 1, np.linalg.norm(affine[:, 2]))})
    assert _remarks(volume) == ([(geometry.SHEARED, "by 25 degrees")] if said else [])


@pytest.mark.parametrize(
    ("unit", "size", "spacing", "remark"),
    [
        (0, 1.0, 1.0, geometry.NO_UNIT),
        (1, 0.001, 1.0, None),
        (2, 1.0, 1.0, None),
        (3, 700.0, 0.7, None),
        (4, 1.0, 1.0, geometry.ODD_UNIT),
        (7, 1.0, 1.0, geometry.ODD_UNIT),
    ],
)
def test_units_of_length(tmp_path: Path, unit: int, size: float, spacing: float, remark: str | None):
    volume = _read(tmp_path, np.diag([size, size, size, 1]), edits={123: ("B", unit | 8)})
    assert volume.spacing == pytest.approx((spacing,) * 3)
    assert [what for what, _ in _remarks(volume)] == ([remark] if remark else [])


@pytest.mark.parametrize(
    ("unit", "size", "words"),
    [
        (1, 1.0, r"1000 x 1000 x 1000 mm \(its unit is the metre"),
        (3, 0.01, "its unit is the micrometre"),
        (2, 500.0, "500 x"),
    ],
)
def test_voxels_of_an_impossible_size_are_refused_by_their_unit(tmp_path: Path, unit: int, size: float, words: str):
    with pytest.raises(InputError, match=f"v.nii: its voxels would be .*{words}"):
        _read(tmp_path, np.diag([size, size, size, 1]), edits={123: ("B", unit)})


@pytest.mark.parametrize(
    ("field", "value", "remark"),
    [
        ("srow_x", (1e300, 0, 0, 0), geometry.BAD_SFORM),
        ("srow_x", (-1, 0, 0, 1e200), geometry.BAD_SFORM),
        ("pixdim", (1, 1e300, 1, 2, 1, 1, 1, 1), geometry.BAD_QFORM),
        ("pixdim", (1, 1e-310, 1, 2, 1, 1, 1, 1), geometry.BAD_QFORM),
        ("qoffset_y", 1e308, geometry.BAD_QFORM),
        ("quatern_b", 1e200, geometry.BAD_QFORM),
    ],
)
def test_absurd_numbers_of_a_header_are_no_geometry_and_nothing_overflows(field: str, value: object, remark: str):
    """Warnings are errors here: squares of 1e300 and shares of 1e-310 must not be computed."""
    affine = np.diag([-1.0, -1, 2, 1])
    image = nib.Nifti2Image(VOXELS, affine)
    image.set_qform(affine, code=1)
    image.header.set_xyzt_units("meter")
    fields = {name: np.array(number) for name, number in image.header.items()}
    fields[field] = np.asarray(value, np.float64)
    fields["xyzt_units"] = np.array(2)
    assert remark in [one.what for one in geometry.geometry_of(fields, called="it").remarks]
