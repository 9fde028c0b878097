"""What was assumed of a table's images reaches the archive's record by row; what cannot be trained on is refused."""

import gzip
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from lidc_folder import write_rows
from semeia.archive import audit, open_archive
from semeia.archive.hashing import array_sha256
from semeia.data.crops import CropSettings
from semeia.data.dataset import open_dataset
from semeia.data.modalities import Volume
from semeia.errors import InputError
from semeia.readers import ingest_images
from semeia.readers.images.image_file import read_image

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (20, 20), np.uint8)
MRI = np.abs(RNG.normal(300, 100, (9, 10, 11))).astype(np.float32)


def _volume(path: Path, array: np.ndarray) -> Path:
    image = nib.Nifti1Image(array, np.diag([1.0, 1, 2, 1]))
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
    return path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


def _ingest(files: Path, names: list[str], **options: str):
    rows: list[dict[str, object]] = [{"file": name, "patient": f"CANARY{n}"} for n, name in enumerate(names)]
    write_rows(files.parent / "t.csv", rows)
    given = {"table": files.parent / "t.csv", "image": "file", "subject": "patient", "into": files.parent / "a"}
    ingest_images(files, **{**given, **options})  # pyright: ignore[reportArgumentType]
    return open_archive(files.parent / "a")


@pytest.mark.parametrize("name", ["plain.nii.gz", "packed.nii", "SCAN.NII.GZ", "scan"])
def test_a_volume_is_read_whatever_it_is_called(files: Path, name: str):
    packed = (
        _volume(files / "x.nii.gz", MRI) if name in ("packed.nii", "SCAN.NII.GZ") else _volume(files / "x.nii", MRI)
    )
    packed.rename(files / name)
    image = read_image(files / name, called="it", kind="mri")
    assert np.array_equal(image.array, MRI)
    assert len(image.remarks) == (name != "SCAN.NII.GZ")


def test_remarks_are_told_once_a_kind_with_rows_and_without_names(files: Path):
    names = []
    for place in range(7):
        names.append(f"CANARY_{place}.jpg")
        Image.fromarray(np.roll(GRAY, place)).save(files / names[-1], format="PNG")
    text = str(audit(_ingest(files, names)))
    assert "7 files have a name whose ending does not fit their content, which was believed (row 2, 3, 4, 5, 6" in text
    assert "and 2 more)" in text
    assert "CANARY" not in text


def test_the_same_pixels_under_two_patients_are_told_by_row_and_are_an_error(files: Path):
    for name in ("a.png", "b.png"):
        Image.fromarray(GRAY).save(files / name)
    result = audit(_ingest(files, ["a.png", "b.png"]))
    assert not result.clean
    assert "images have the pixels of another patient's: one person under two ids? (row 3 as 2)" in str(result)


def test_what_the_archive_holds_is_what_came_in(files: Path):
    colour = RNG.integers(0, 256, (20, 20, 3), np.uint8)
    Image.fromarray(colour).save(files / "a.png")
    deep = RNG.integers(0, 4096, (20, 20)).astype(np.uint16)
    Image.fromarray(deep << 4).save(files / "b.png")
    _volume(files / "c.nii.gz", np.rint(MRI - 1000).astype(np.int16))
    archive = _ingest(files, ["a.png", "b.png", "c.nii.gz"])
    images = {row["format"]: row for row in archive.table("images").iter_rows(named=True) if row["dtype"] != "uint16"}
    assert np.array_equal(archive.pixels(images["png"]), colour)
    row = archive.table("images").filter(dtype="uint16").row(0, named=True)
    assert np.array_equal(archive.pixels(row), deep << 4)
    assert (row["bits"], row["percentiles"][-1], len(row["look"])) == (12, int(deep.max()) << 4, 64)
    assert images["nifti"]["percentiles"][0] == np.rint(MRI - 1000).min()
    assert [image["sha256"] == array_sha256(archive.pixels(image)) for image in images.values()] == [True, True]


@pytest.mark.parametrize("dtype", ["f4", "i2"])
def test_mri_comes_in_under_its_own_kind_only_and_reaches_a_model(files: Path, dtype: str):
    for place in range(3):
        _volume(files / f"{place}.nii.gz", (MRI * (place + 1)).astype(dtype))
    names = [f"{place}.nii.gz" for place in range(3)]
    with pytest.raises(InputError, match=r"row 2, .* kind picture takes whole numbers from 0 .* say --kind mri"):
        _ingest(files, names, kind="picture")
    archive = _ingest(files, names, kind="mri")
    crop = CropSettings(voxels=(8, 8, 8), patch=(4, 4, 4))
    voxels = open_dataset(archive, {"image": Volume(crop=crop)}).observations["image"].arrays.values.reshape(3, -1)
    assert voxels.std(1) == pytest.approx([voxels[0].std()] * 3, abs=1)  # each on its own scale
    assert voxels.std() > 25


def test_a_picture_cannot_hold_hounsfield_units(files: Path):
    Image.fromarray(GRAY).save(files / "a.png")
    with pytest.raises(InputError, match=r"row 2, .* is a picture, which cannot be of kind hu"):
        _ingest(files, ["a.png"], kind="hu")


def test_a_few_bytes_that_would_grow_to_gigabytes_are_refused_unread(files: Path):
    header = bytearray(_volume(files / "x.nii", MRI.astype(np.int16)).read_bytes()[:352])
    struct.pack_into("<4h", header, 40, 3, 600, 600, 600)
    (files / "bomb.nii.gz").write_bytes(gzip.compress(bytes(header) + bytes(9_000_000)))
    with pytest.raises(InputError, match=r"row 2, .* would grow from 0\.0 MB to 432 MB"):
        _ingest(files, ["bomb.nii.gz"])


def test_a_folder_without_a_table_is_told_what_it_needs_and_what_it_holds(files: Path):
    (files / "1.dcm").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(
        InputError, match=r"give --table, --image, --subject: .* Its files: DICOM, which is not read here"
    ):
        ingest_images(files, into=files.parent / "a")
