"""A file is what it holds; what is not read is named, with what to convert it to."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from semeia.errors import InputError
from semeia.readers.images.image_format import fits_its_name, foreign_files, format_of

GRAY = np.arange(64, dtype=np.uint8).reshape(8, 8)


@pytest.mark.parametrize(
    ("suffix", "image_format"), [("png", "PNG"), ("jpg", "JPEG"), ("nii", "NIfTI"), ("nii.gz", "NIfTI")]
)
def test_what_is_read_is_told_by_content(tmp_path: Path, suffix: str, image_format: str):
    path = tmp_path / f"x.{suffix}"
    if "nii" in suffix:
        nib.save(nib.Nifti1Image(GRAY[..., None], np.eye(4)), path)
    else:
        Image.fromarray(GRAY).save(path)
    assert format_of(path, called="it") == image_format
    assert fits_its_name(path, image_format)
    other = path.rename(tmp_path / "x.NII" if suffix == "nii.gz" else tmp_path / "x.gz")
    assert format_of(other, called="it") == image_format
    assert not fits_its_name(other, image_format)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (bytes(128) + b"DICM" + bytes(9), "is DICOM, which is not read here; `semeia ingest dicom`"),
        (b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100", "is DICOM"),
        (gzip.compress(bytes(128) + b"DICM" + bytes(9), mtime=0), "is DICOM"),
        (b"II*\0" + bytes(9), "is TIFF, which is not read here; convert it to PNG"),
        (b"MM\0*" + bytes(9), "is TIFF"),
        (b"II+\0" + bytes(9), "is TIFF"),
        (b"GIF89a", "is GIF"),
        (b"BM" + bytes(12), "is BMP"),
        (b"RIFF\1\2\3\4WEBPVP8 ", "is WebP"),
        (b"\0\0\0\x0cjP  \r\n", "is JPEG 2000"),
        (b"\0\0\0\x18ftypheic", "is HEIC"),
        (b"NRRD0004\n", "is NRRD"),
        (b"ObjectType = Image\n", "is MetaImage"),
        (b"\x89HDF\r\n", "is HDF5"),
        (b"\x93NUMPY\1\0", "is a NumPy array"),
        (b"BZh91AY", "is compressed with bzip2"),
        (b"PK\3\4", "is a ZIP archive"),
        (b"\x5c\1\0\0" + bytes(340) + b"ni1\0" + bytes(4), "is a NIfTI header whose voxels are in an .img file"),
        (b"\x5c\1\0\0" + bytes(348), "is Analyze 7.5"),
    ],
)
def test_what_is_not_read_is_named(tmp_path: Path, content: bytes, words: str):
    (tmp_path / "CANARY.png").write_bytes(content)
    with pytest.raises(InputError, match=rf"^row 2: {words}[^\n]*$"):
        format_of(tmp_path / "CANARY.png", called="row 2")


@pytest.mark.parametrize("content", [b"", b"x" * 400, b"\x1f\x8b\x08broken"])
def test_nothing_is_said_of_what_is_not_known(tmp_path: Path, content: bytes):
    (tmp_path / "x").write_bytes(content)
    assert format_of(tmp_path / "x", called="it") is None


def test_a_folder_of_another_format_is_recognised(tmp_path: Path):
    (tmp_path / "a").mkdir()
    assert foreign_files(tmp_path) == ""
    Image.fromarray(GRAY).save(tmp_path / "b.png")
    assert foreign_files(tmp_path) == ""
    (tmp_path / "a" / "1.dcm").write_bytes(bytes(128) + b"DICM")
    assert foreign_files(tmp_path).startswith("DICOM, which is not read here")
