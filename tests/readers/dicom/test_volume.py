"""A stack on its grid: voxels, unit and place, against SimpleITK where it reads the same, else against geometry."""

import os
import struct
import tarfile
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
import SimpleITK as Sitk
from pydicom.dataset import Dataset
from pydicom.uid import UID, JPEG2000Lossless, JPEGLSLossless

from dicom_folder import write, write_series
from semeia.errors import InputError
from semeia.readers.dicom import volume as words
from semeia.readers.dicom.header import Header, read_header
from semeia.readers.dicom.ingest import index_folder
from semeia.readers.dicom.pixels import in_unit, inverted, stored_frames
from semeia.readers.dicom.series import stacks_of
from semeia.readers.dicom.volume import film_of, volume_of
from semeia.readers.images.nifti import Volume

RNG = np.random.default_rng(5)
PLANES = RNG.integers(0, 2000, (6, 5, 7)).astype(np.uint16)
OBLIQUE = [0.8, 0.6, 0.0, -0.36, 0.48, -0.8]
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def only(folder: Path) -> Volume:
    """The one volume of a folder."""
    (stack,), left_out = stacks_of(index_folder(folder).headers)
    assert not left_out
    return volume_of(stack)


def by_place(volume: Volume) -> dict[tuple[float, ...], float]:
    """The value at each place in mm."""
    assert volume.affine is not None
    voxels = np.argwhere(np.ones(volume.array.shape))
    places = voxels @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    return {tuple(np.round(place, 2) + 0.0): value for place, value in zip(places, volume.array.ravel(), strict=True)}


def sitk_by_place(folder: Path) -> dict[tuple[float, ...], float]:
    """The same from SimpleITK, which sorts by geometry, too."""
    names = Sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    image = Sitk.ReadImage(names)
    values = Sitk.GetArrayFromImage(image)
    found = {}
    for z, y, x in np.argwhere(np.ones(values.shape)):
        left, back, up = image.TransformIndexToPhysicalPoint((int(x), int(y), int(z)))
        found[tuple(np.round((-left, -back, up), 2) + 0.0)] = values[z, y, x]
    return found


@pytest.mark.parametrize("along", [[1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1], [-1, 0, 0, 0, 1, 0], OBLIQUE])
def test_every_value_lies_where_simpleitk_has_it(tmp_path: Path, along: list[float]):
    step = 1.5 * np.cross(along[:3], along[3:])
    positions = [np.array([10, -20, 30]) + place * step for place in range(6)]
    scale = {"RescaleSlope": 2, "RescaleIntercept": -1024}
    write_series(tmp_path, PLANES, positions=positions, ImageOrientationPatient=along, PixelSpacing=[0.7, 0.4], **scale)
    volume, expected = only(tmp_path), sitk_by_place(tmp_path)
    assert volume.orientation == "RAS" or along is OBLIQUE
    assert volume.array.dtype == np.int16
    assert by_place(volume) == pytest.approx(expected)


def test_slope_and_intercept_of_each_slice(tmp_path: Path):
    each = [{"RescaleSlope": 1 + place / 4, "RescaleIntercept": place} for place in range(6)]
    write_series(tmp_path, PLANES, each=each)
    volume = only(tmp_path)
    expected = PLANES * (1 + np.arange(6) / 4)[:, None, None] + np.arange(6)[:, None, None]
    assert volume.array.dtype == np.float32
    assert np.allclose(volume.array[::-1, ::-1].transpose(2, 1, 0), expected)


def test_signed_and_twelve_bit_values(tmp_path: Path):
    write_series(tmp_path / "signed", PLANES.astype(np.int16) - 1000)
    assert only(tmp_path / "signed").array.min() == int(PLANES.min()) - 1000
    write_series(tmp_path / "twelve", PLANES | 0xF000, BitsStored=12, HighBit=11)  # an overlay in the unused bits
    assert only(tmp_path / "twelve").array.max() == int(PLANES.max())


def ball(positions: np.ndarray, rows: int, columns: int, along: list[float], mm: float, at: np.ndarray) -> np.ndarray:
    """Slices of a soft ball of 8 mm (LPS), 1000 in its middle."""
    y, x = np.mgrid[:rows, :columns]
    across, down = np.array(along[:3]), np.array(along[3:])
    places = positions[:, None, None] + mm * (x[..., None] * across + y[..., None] * down)
    return np.rint(1000 * np.exp(-((places - at) ** 2).sum(-1) / (2 * 8.0**2))).astype(np.int16)


def centre(volume: Volume) -> np.ndarray:
    """Centre of mass in mm (RAS)."""
    assert volume.affine is not None
    weights = np.maximum(volume.array.astype(float), 0)
    voxels = np.argwhere(np.ones(volume.array.shape))
    mean = (voxels * weights.reshape(-1, 1)).sum(0) / weights.sum()
    return volume.affine[:3, :3] @ mean + volume.affine[:3, 3]


@pytest.mark.parametrize("degrees", [-18.5, 10.0, 30.0])
def test_a_tilted_gantry_is_set_straight_and_nothing_is_cut_off(tmp_path: Path, degrees: float):
    tilt = np.radians(degrees)
    along = [1, 0, 0, 0, float(np.cos(tilt)), float(np.sin(tilt))]
    positions = np.array([[-40.0, -40.0, -60.0 + 3 * place] for place in range(41)])
    at = np.array([3.0, -4.0, 2.0])
    slices = ball(positions, 60, 60, along, 1.5, at)
    write_series(tmp_path, slices, positions=positions.tolist(), ImageOrientationPatient=along, PixelSpacing=[1.5, 1.5])
    volume = only(tmp_path)
    assert [(remark.what, remark.detail) for remark in volume.remarks] == [
        (words.TILTED, f"by {abs(degrees):.1f} degrees")
    ]
    assert volume.affine is not None
    axes = volume.affine[:3, :3] / np.linalg.norm(volume.affine[:3, :3], axis=0)
    assert np.allclose(axes.T @ axes, np.eye(3), atol=1e-6)
    assert volume.spacing == pytest.approx((1.5, 1.5, 3 * np.cos(tilt)))
    assert centre(volume) == pytest.approx([-3.0, 4.0, 2.0], abs=0.1)
    assert volume.array.max() > 950
    assert np.maximum(volume.array, 0).sum() == pytest.approx(slices.sum(), rel=0.02)


def test_uneven_distances_are_made_even(tmp_path: Path):
    depths = np.concatenate([np.arange(-30, 0, 2.5), np.arange(0.5, 31, 4.0)])
    positions = np.array([[-30.0, -30.0, depth] for depth in depths])
    slices = ball(positions, 40, 40, [1, 0, 0, 0, 1, 0], 1.5, np.array([0.0, 2.0, 1.0]))
    write_series(tmp_path, slices, positions=positions.tolist(), PixelSpacing=[1.5, 1.5])
    volume = only(tmp_path)
    assert [remark.what for remark in volume.remarks] == [words.UNEVEN]
    assert volume.remarks[0].detail.endswith("now 2.50 mm")
    assert centre(volume) == pytest.approx([0.0, -2.0, 1.0], abs=0.3)
    assert volume.array.dtype == np.int16


def test_an_enhanced_object_is_the_same_volume(tmp_path: Path):
    """Six frames in one file, in no order, each with its place and its slope, the rest shared."""
    places = [(0.0, 0.0, 2.0 * place) for place in range(6)]
    each = [{"RescaleSlope": 1 + place, "RescaleIntercept": -place} for place in range(6)]
    write_series(tmp_path / "classic", PLANES, positions=places, each=each, PixelSpacing=[0.7, 0.4])
    order = [3, 0, 5, 1, 4, 2]
    frames = [
        group(
            PlanePositionSequence=group(ImagePositionPatient=list(places[place])),
            PixelValueTransformationSequence=group(**each[place]),
        )
        for place in order
    ]
    shared = group(
        PixelMeasuresSequence=group(PixelSpacing=[0.7, 0.4]),
        PlaneOrientationSequence=group(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
    )
    gone = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept")
    sequences = {"PerFrameFunctionalGroupsSequence": frames, "SharedFunctionalGroupsSequence": [shared]}
    kind = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2.1", "NumberOfFrames": 6}
    write(tmp_path / "enhanced" / "one", PLANES[order], **kind, **sequences, **dict.fromkeys(gone))
    classic, enhanced = only(tmp_path / "classic"), only(tmp_path / "enhanced")
    assert np.array_equal(enhanced.array, classic.array)
    assert np.allclose(enhanced.affine, classic.affine)


def group(**elements: object) -> Dataset:
    """A group of elements; one that is a group itself becomes a sequence of one."""
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, [value] if isinstance(value, Dataset) else value)
    return made


def refused(folder: Path) -> str:
    (stack,), _ = stacks_of(index_folder(folder).headers)
    with pytest.raises(InputError) as caught:
        volume_of(stack)
    return str(caught.value)


def test_a_missing_slice_is_refused(tmp_path: Path):
    write_series(tmp_path, PLANES, positions=[(0, 0, z) for z in (0, 2, 4, 8, 10, 12)])
    assert refused(tmp_path) == words.GAP


def test_two_blocks_far_apart_are_refused(tmp_path: Path):
    write_series(tmp_path, PLANES, positions=[(0, 0, z) for z in (0, 2, 4, 100, 102, 104)])
    assert refused(tmp_path) == words.GAP


def test_slices_that_wander_are_refused(tmp_path: Path):
    write_series(tmp_path, PLANES, positions=[(5.0 * (z % 2), 0, z) for z in range(6)])
    assert refused(tmp_path) == words.OFF_LINE


def test_a_copied_slice_counts_once_and_another_at_its_place_is_refused(tmp_path: Path):
    write_series(tmp_path, PLANES)
    alone = only(tmp_path)
    write(tmp_path / "copy", PLANES[2], ImagePositionPatient=[0, 0, 4])
    volume = only(tmp_path)
    assert np.array_equal(volume.array, alone.array)
    assert [remark.what for remark in volume.remarks] == [words.COPIES]
    write(tmp_path / "another", PLANES[3], ImagePositionPatient=[0, 0, 4])
    assert refused(tmp_path) == words.TWO_AT_ONE


def test_a_bright_and_an_inverted_radiograph(tmp_path: Path):
    stored = RNG.integers(0, 4096, (5, 7)).astype(np.uint16)
    film = {"Modality": "DX", "BitsStored": 12, "HighBit": 11, "ImagePositionPatient": None}
    write(tmp_path / "bright", stored, **film)
    write(tmp_path / "dark", stored, **film, PhotometricInterpretation="MONOCHROME1", SOPInstanceUID="1.2.9")
    stacks, _ = stacks_of(index_folder(tmp_path).headers)
    bright, dark = (film_of(stack) for stack in sorted(stacks, key=lambda stack: stack.header.path))
    assert np.array_equal(bright, stored)
    assert np.array_equal(dark, 4095 - stored)


SHIPPED = sorted(path for path in (Path(pydicom.data.__file__).parent / "test_files").rglob("*") if path.is_file())


def test_the_files_that_pydicom_ships_have_the_values_that_simpleitk_gives():
    """38 images in some ten transfer syntaxes: raw, RLE, JPEG, JPEG lossless, JPEG-LS, JPEG 2000; enhanced objects."""
    Sitk.ProcessObject.SetGlobalWarningDisplay(False)
    compared = 0
    for path in SHIPPED:
        header = read_header(path)
        if not isinstance(header, Header) or path.name == "MR_truncated.dcm":
            continue
        frames = stored_frames(header)
        frames = inverted(frames, header) if header.dark_is_high else frames
        values = np.stack([in_unit(frames[plane.frame], plane) for plane in header.planes])
        expected = Sitk.GetArrayFromImage(Sitk.ReadImage(str(path)))
        assert np.allclose(values, expected.reshape(values.shape), atol=1e-3), path.name
        compared += 1
    assert compared >= 38


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless])
def test_a_frame_that_claims_to_be_larger_than_its_header_is_not_decoded(tmp_path: Path, syntax: UID):
    plane = np.tile(PLANES[0], (10, 10))
    path = write(tmp_path / "file", plane)
    found = pydicom.dcmread(path)
    found.compress(syntax)
    found.save_as(path)
    header = read_header(path)
    assert isinstance(header, Header)
    assert np.array_equal(stored_frames(header)[0], plane)
    form, size = (">II", (70, 50)) if syntax == JPEG2000Lossless else (">HH", (50, 70))
    claims, larger = struct.pack(form, *size), struct.pack(form, 40_000, 40_000)
    assert claims in found.PixelData
    found.PixelData = found.PixelData.replace(claims, larger)
    found.save_as(path)
    with pytest.raises(InputError, match="cannot be decoded"):
        stored_frames(header)


HARD = Path(os.environ.get("SEMEIA_DATA", "")) / "dicom_hard" / "build"


@pytest.mark.skipif(not HARD.is_dir(), reason="needs the folder dicom_hard in $SEMEIA_DATA")
def test_hard_files_are_read_or_left_out_for_a_reason():
    index = index_folder(HARD)
    stacks, left_out = stacks_of(index.headers)
    shapes = sorted(volume_of(stack).array.shape for stack in stacks)
    assert shapes == [(2, 128, 128), (3, 128, 128), (64, 64, 25), (64, 64, 25)]
    files = sum(path.is_file() for path in HARD.rglob("*"))
    frames = sum(len(stack.slices) - len({one.header.path for one in stack.slices}) for stack in stacks)
    assert sum(len(stack.slices) for stack in stacks) - frames + sum((left_out + index.left_out).values()) == files


@pytest.mark.skipif(not HARD.is_dir(), reason="needs the folder dicom_hard in $SEMEIA_DATA")
def test_a_real_head_with_tilt_and_two_distances_of_slices(tmp_path: Path):
    with tarfile.open(HARD / "ct_ge_tilt_variable_spacing.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    volume = only(tmp_path)
    assert [(remark.what, remark.detail) for remark in volume.remarks] == [
        (words.TILTED, "by 18.5 degrees"),
        (words.UNEVEN, "1.08 to 7.00 mm, now 4.00 mm"),
    ]
    assert (volume.orientation, volume.array.dtype, volume.array.shape) == ("RAS", np.int16, (512, 612, 37))


@pytest.mark.parametrize("name", ["MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"])
def test_a_damaged_frame_is_an_error_and_no_crash(tmp_path: Path, name: str):
    content = next(path for path in SHIPPED if path.name == name).read_bytes()
    frame = content.index(b"\xe0\x7f\x10\x00")
    refused = 0
    for seed in range(15):
        rng = np.random.default_rng(seed)
        damaged = bytearray(content)
        for place in rng.integers(frame + 20, min(frame + 400, len(content)), 8):
            damaged[place] = rng.integers(256)
        (tmp_path / "file").write_bytes(bytes(damaged))
        header = read_header(tmp_path / "file")
        assert isinstance(header, Header)
        try:
            assert stored_frames(header).shape == (1, header.rows, header.columns)
        except InputError:
            refused += 1
    assert refused
