"""Tell what a file is from how it begins: names are not to be believed.

A format that is not read is named, with what to convert it to, so that nobody has to guess.
"""

import gzip
import re
import zlib
from pathlib import Path

from semeia.archive.atomic import naming
from semeia.errors import InputError

NIFTI, PNG, JPEG = "NIfTI", "PNG", "JPEG"
SUFFIXES = {NIFTI: (".nii", ".nii.gz"), PNG: (".png",), JPEG: (".jpg", ".jpeg", ".jpe", ".jfif")}
GZIP = b"\x1f\x8b"
_HEAD = 352  # a NIfTI-1 header with the 4 bytes after it; DICOM announces itself at byte 128

_TO_PNG = "convert it to PNG (of 16 bits where it has more than 8)"
_TO_NIFTI = "convert it to NIfTI (.nii.gz)"
_DICOM = ("DICOM", "`semeia ingest dicom` takes a whole folder of it")
_OTHERS: tuple[tuple[bytes, str, str], ...] = (
    (rb".{128}DICM", *_DICOM),
    (rb"\x08\x00[\x00-\x7f]\x00", *_DICOM),  # an old file without a preamble begins with its group 0008
    (rb"II[*+]\x00|MM\x00[*+]", "TIFF", f"{_TO_PNG}, a stack of slices to NIfTI"),
    (rb"GIF8", "GIF", _TO_PNG),
    (rb"BM.{4}\x00{4}", "BMP", _TO_PNG),
    (rb"RIFF.{4}WEBP", "WebP", _TO_PNG),
    (rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000", _TO_PNG),
    (rb"\x00\x00\x00\x0cJXL |\xff\x0a", "JPEG XL", _TO_PNG),
    (rb".{4}ftyp(hei|mif|avi)", "HEIC or AVIF", _TO_PNG),
    (rb"%PDF", "PDF", _TO_PNG),
    (rb"NRRD\d", "NRRD", _TO_NIFTI),
    (rb"(ObjectType|NDims|Comment)\s*=", "MetaImage", _TO_NIFTI),
    (rb"\x89HDF|CDF[\x01\x02]", "HDF5 or netCDF (MINC, say)", _TO_NIFTI),
    (rb"\x93NUMPY", "a NumPy array", f"{_TO_NIFTI}, which knows the size of a voxel, or to PNG"),
    (rb"BZh", "compressed with bzip2", "compress it with gzip"),
    (rb"\xfd7zXZ|7z\xbc\xaf", "compressed with xz or 7-zip", "compress it with gzip"),
    (rb"\x28\xb5\x2f\xfd", "compressed with zstd", "compress it with gzip"),
    (rb"PK\x03\x04", "a ZIP archive", "unpack it"),
)


def format_of(path: Path, *, called: str) -> str | None:
    """Tell a file's format from its content: `NIFTI`, `PNG`, `JPEG`, or None where nothing is known of it.

    A known format that is not read is an `InputError`, which names it and what to convert it to.
    """
    head = _head(path, called)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if int.from_bytes(head[:4], "little") in (348, 540) or int.from_bytes(head[:4], "big") in (348, 540):
        _refuse_without_voxels(head, called)
        return NIFTI
    for magic, name, advice in _OTHERS:
        if re.match(magic, head, re.DOTALL):
            raise InputError(f"{called}: is {name}, which is not read here; {advice}.")
    return None


def fits_its_name(path: Path, image_format: str) -> bool:
    """Whether a file's ending is one of its format, and says rightly whether it is compressed."""
    name = path.name.lower()
    if not name.endswith(SUFFIXES[image_format]):
        return False
    return image_format != NIFTI or name.endswith(".gz") == is_gzip(path)


def is_gzip(path: Path) -> bool:
    """Whether a file is compressed with gzip, whatever it is called."""
    with path.open("rb") as stream:
        return stream.read(2) == GZIP


def foreign_files(folder: Path) -> str:
    """What the first file in a folder is, in words, where it is of a format that is not read; else nothing."""
    first = next((path for path in sorted(folder.rglob("*")) if path.is_file() and path.name[:1] != "."), None)
    if first is None:
        return ""
    try:
        format_of(first, called="it")
    except InputError as error:
        return str(error).removeprefix("it: is ")
    return ""


def _head(path: Path, called: str) -> bytes:
    """The first bytes of a file, unpacked where it is compressed with gzip."""
    with naming(called, "read"), path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not head.startswith(GZIP):
        return head
    try:
        with gzip.open(path, "rb") as stream:
            return stream.read(_HEAD)
    except (EOFError, zlib.error, OSError):  # the reader of the format says what is wrong with it
        return b""


def _refuse_without_voxels(head: bytes, called: str) -> None:
    """A header that stands alone: its voxels are in a second file, which nobody has listed."""
    magic = head[344:348] if 348 in (int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big")) else head[4:8]
    if magic.startswith(b"ni"):
        raise InputError(f"{called}: is a NIfTI header whose voxels are in an .img file; convert the pair to one .nii.")
    if len(head) >= 348 and magic == bytes(4):
        raise InputError(
            f"{called}: is Analyze 7.5, which does not know right from left, and is not read; convert it to NIfTI from "
            "its source."
        )
