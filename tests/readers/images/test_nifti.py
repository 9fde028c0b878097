"""Volumes come in RAS order with their geometry; hostile and broken files are refused early.

The header's fields are overwritten at their byte offsets: 40 dim, 70 datatype, 108 vox_offset, 280 srow_x.
"""

import gzip
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from semeia.errors import InputError
from semeia.readers import read_nifti
from semeia.readers.images.nifti import SEGMENTATION

VOXELS = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)


def _saved(path: Path, array: np.ndarray = VOXELS, affine: np.ndarray | None = None) -> Path:
    nib.save(nib.Nifti1Image(array, np.diag([1.0, 2, 3, 1]) if affine is None else affine), path)
    return path


@pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
def test_native_types_spacing_and_affine(tmp_path: Path, suffix: str):
    volume = read_nifti(_saved(tmp_path / f"v.{suffix}"))
    assert volume.array.dtype == np.int16
    assert np.array_equal(volume.array, VOXELS)
    assert (volume.spacing, volume.orientation, volume.stored_axes) == ((1.0, 2.0, 3.0), "RAS", "RAS")


def test_axes_are_turned_and_every_voxel_stays_where_it_was(tmp_path: Path):
    affine = np.array([[0, 0, 3.0, 5], [-1, 0, 0, 6], [0, -2.0, 0, 7], [0, 0, 0, 1]])
    volume = read_nifti(_saved(tmp_path / "v.nii", affine=affine))
    assert volume.stored_axes == "PIR"
    assert volume.orientation == "RAS"
    assert volume.spacing == (3.0, 1.0, 2.0)
    for place in np.ndindex(VOXELS.shape):
        here = np.linalg.inv(volume.affine) @ affine @ [*place, 1]
        assert volume.array[tuple(here[:3].round().astype(int))] == VOXELS[place]


def test_given_axes_win_over_the_header(tmp_path: Path):
    volume = read_nifti(_saved(tmp_path / "v.nii"), axes="LPS")
    assert np.array_equal(volume.array, VOXELS[::-1, ::-1])
    assert (volume.spacing, volume.orientation, volume.stored_axes) == ((1.0, 2.0, 3.0), "RAS", "LPS")


def test_scaled_double_and_big_endian_values(tmp_path: Path):
    image = nib.Nifti1Image(VOXELS, np.eye(4))
    image.header.set_slope_inter(2.0, -100.0)
    nib.save(image, tmp_path / "scaled.nii")
    assert np.array_equal(read_nifti(tmp_path / "scaled.nii").array, (VOXELS * 2 - 100).astype(np.float32))
    assert read_nifti(_saved(tmp_path / "d.nii", VOXELS.astype(np.float64))).array.dtype == np.float32
    swapped = nib.Nifti1Image(VOXELS, np.eye(4), nib.Nifti1Header(endianness=">"))
    swapped.to_filename(tmp_path / "big.nii")
    assert np.array_equal(read_nifti(tmp_path / "big.nii").array, VOXELS)


def test_nifti_2_metres_and_a_last_axis_of_one(tmp_path: Path):
    image = nib.Nifti2Image(VOXELS[..., None], np.diag([0.001, 0.001, 0.002, 1]))
    image.header.set_xyzt_units("meter")
    nib.save(image, tmp_path / "v.nii")
    volume = read_nifti(tmp_path / "v.nii")
    assert volume.array.shape == VOXELS.shape
    assert volume.spacing == pytest.approx((1.0, 1.0, 2.0))


def _patched(path: Path, offset: int, form: str, *values: float) -> Path:
    """The file with a header field overwritten."""
    content = bytearray(_saved(path).read_bytes())
    struct.pack_into(f"<{form}", content, offset, *values)
    path.write_bytes(bytes(content))
    return path


@pytest.mark.parametrize(
    ("offset", "form", "values", "words"),
    [
        (40, "4h", (3, 32767, 32767, 32767), "absurd size"),
        (40, "2h", (3, -5), "absurd size"),
        (40, "5h", (4, 2, 2, 2, 3), "is 4-D"),
        (40, "h", (9,), "not a readable NIfTI|absurd|-D|voxel type"),
        (108, "f", (1e30,), "absurd size"),
        (108, "f", (float("nan"),), "absurd size"),
        (70, "h", (32,), "colours or complex"),
        (70, "h", (128,), "colours or complex"),
        (70, "h", (999,), "voxel type"),
        (40, "4h", (3, 50, 50, 50), "cut short"),
        (280, "4f", (0, 0, 0, 0), "no geometry"),
        (280, "f", (float("inf"),), "no geometry"),
        (0, "i", (17,), "not a readable NIfTI"),
    ],
)
def test_hostile_headers_are_refused(tmp_path: Path, offset: int, form: str, values: tuple, words: str):
    with pytest.raises(InputError, match=rf"v.nii: .*({words})"):
        read_nifti(_patched(tmp_path / "v.nii", offset, form, *values))


def test_an_extension_that_claims_gigabytes_is_not_believed(tmp_path: Path):
    header = bytearray(_saved(tmp_path / "v.nii").read_bytes())
    struct.pack_into("<f", header, 108, 384.0)
    header[348:352] = b"\1\0\0\0"
    extension = struct.pack("<2i", 2**31 - 16, 6) + bytes(24)
    (tmp_path / "v.nii").write_bytes(bytes(header[:352]) + extension + VOXELS.tobytes())
    with pytest.raises(InputError, match=r"v.nii"):
        read_nifti(tmp_path / "v.nii")


def test_a_compressed_bomb_is_read_no_further_than_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    honest = _saved(tmp_path / "v.nii").read_bytes()
    (tmp_path / "v.nii.gz").write_bytes(gzip.compress(honest + bytes(50_000_000)))
    read = []
    real = gzip.GzipFile.read
    monkeypatch.setattr(gzip.GzipFile, "read", lambda self, size=-1: read.append(size) or real(self, size))
    with pytest.raises(InputError, match="much longer than its header says"):
        read_nifti(tmp_path / "v.nii.gz")
    assert min(read) >= 0
    assert sum(read) < 1_100_000


def test_a_little_after_the_end_is_forgiven(tmp_path: Path):
    (tmp_path / "w.nii").write_bytes(_saved(tmp_path / "v.nii").read_bytes() + bytes(9))
    assert np.array_equal(read_nifti(tmp_path / "w.nii").array, VOXELS)


def test_damage_is_one_line_and_may_hide_the_path(tmp_path: Path):
    path = _saved(tmp_path / "CANARY.nii.gz", np.random.default_rng(0).integers(0, 99, (9, 9, 9)).astype(np.int16))
    whole = path.read_bytes()
    flipped = [bytearray(whole) for _ in range(9)]
    for place, content in enumerate(flipped):
        content[len(whole) // 2 + place] ^= 255
    for content in (b"", b"x" * 9, whole[: len(whole) // 2], whole[:-6], bytes(900), *map(bytes, flipped)):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"^row 7: [^\n]*$") as caught:
            read_nifti(path, name="row 7")
        assert "CANARY" not in str(caught.value)
    with pytest.raises(InputError, match=r"^row 7: no such file"):
        read_nifti(tmp_path / "absent.nii", name="row 7")


def test_voxels_that_are_not_numbers_are_refused(tmp_path: Path):
    array = VOXELS.astype(np.float32)
    array[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="not numbers"):
        read_nifti(_saved(tmp_path / "v.nii", array))


@pytest.mark.parametrize("value", [1e300, -1e39, np.nan])
def test_voxels_beyond_single_precision_are_refused_without_a_warning(tmp_path: Path, value: float):
    """Warnings are errors here."""
    voxels = np.ones((4, 3, 2))
    voxels[0, 0, 0] = value
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), tmp_path / "v.nii")
    with pytest.raises(InputError, match="has voxels that are not numbers, or none of single precision"):
        read_nifti(tmp_path / "v.nii")


def test_a_segmentation_in_place_of_a_scan_is_said(tmp_path: Path):
    image = nib.Nifti1Image(np.ones((4, 3, 2), np.int16), np.eye(4))
    image.header.set_intent("label")
    nib.save(image, tmp_path / "v.nii")
    assert SEGMENTATION in [remark.what for remark in read_nifti(tmp_path / "v.nii").remarks]
