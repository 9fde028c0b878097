"""NIfTI files: a .nii or .nii.gz goes in; voxels in closest RAS+ order with their geometry in mm come out.

A header is a stranger's claim. Its size is bounded before anything is read, and never more than it promised
is decompressed, so neither an absurd header nor a compressed bomb can fill the memory.
"""

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from semeia.archive.atomic import naming
from semeia.errors import InputError

MAX_VOXELS = 2**28
_MAX_OFFSET = 2**20
_HEADER_BYTES = {348: 352, 540: 544}  # NIfTI-1 and NIfTI-2, each with the 4 bytes that announce extensions
_MM = {"mm": 1.0, "meter": 1000.0, "micron": 0.001, "unknown": 1.0}


@dataclass(frozen=True)
class Volume:
    """Voxels [x, y, z], mm between them, axis codes, [4, 4] affine to mm, axis codes as stored."""

    array: np.ndarray
    spacing: tuple[float, float, float]
    orientation: str
    affine: np.ndarray
    stored_axes: str


def read_nifti(path: str | Path, *, name: str | None = None, axes: str | None = None) -> Volume:
    """Read one volume and turn its axes to right, anterior, superior as nearly as they go without resampling.

    Args:
        path: A .nii or .nii.gz file.
        name: What to call it in messages, when its path may carry a patient's id.
        axes: Axis codes of the stored voxels, such as "LPS", to believe instead of the header's. The position
            is then unknown and the affine has its origin at voxel 0.

    Returns:
        The volume. Unscaled integers of up to 32 bits keep their type, everything else becomes float32.

    Raises:
        InputError: Absent, damaged, cut short, not one 3-D volume of real finite numbers, a header of absurd
            size, or an affine that is no geometry.
    """
    import nibabel as nib

    called = name or str(path)
    array, affine = _load(Path(path), called)
    if axes is not None:
        affine = _directions(axes) @ np.diag([*np.linalg.norm(affine[:3, :3], axis=0), 1.0])
    stored = "".join(nib.aff2axcodes(affine))
    turn = nib.io_orientation(affine)
    turned = np.ascontiguousarray(nib.apply_orientation(array, turn))
    affine = affine @ nib.orientations.inv_ornt_aff(turn, array.shape)
    x, y, z = (float(step) for step in np.linalg.norm(affine[:3, :3], axis=0))
    return Volume(turned, (x, y, z), "".join(nib.aff2axcodes(affine)), affine, stored)


def _load(path: Path, called: str) -> tuple[np.ndarray, np.ndarray]:
    """Voxels as stored, [x, y, z], and their affine in mm."""
    from nibabel import Nifti1Image, Nifti2Image
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError
    from nibabel.wrapstruct import WrapStructError

    if not path.is_file():
        raise InputError(f"{called}: no such file.")
    try:
        content = _bounded(path, called)
        image = (Nifti2Image if _header_size(content) == 540 else Nifti1Image).from_bytes(content)
        array = np.asarray(image.dataobj)
        unit = _MM.get(str(image.header.get_xyzt_units()[0]), 1.0)
        affine = np.asarray(image.affine, np.float64) * np.array([[unit]] * 3 + [[1.0]])
    except (
        HeaderDataError,
        ImageFileError,
        WrapStructError,
        EOFError,
        zlib.error,
        gzip.BadGzipFile,
    ) as error:
        raise InputError(f"{called}: not a readable NIfTI file; export it again.") from error
    if array.dtype.kind not in "iu" or array.dtype.itemsize > 4 or array.dtype.name == "uint32":
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise InputError(f"{called}: has voxels that are not numbers; replace them.")
    if not np.isfinite(affine).all() or not 1e-9 < np.abs(np.linalg.det(affine[:3, :3])) < 1e9:
        raise InputError(f"{called}: its affine is no geometry (a zero or infinite voxel); export it again.")
    return array.reshape([*array.shape[:3], *([1] * (3 - array.ndim))]), affine


@contextmanager
def _unbroken(called: str) -> Iterator[None]:
    """Turn what decompression says of a damaged file into one line."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{called}: not a readable NIfTI file; export it again.") from error


def _bounded(path: Path, called: str) -> bytes:
    """Header, extensions and voxels: what the header promises, once the promise is found reasonable."""
    opener = gzip.open if path.suffix == ".gz" else open
    with naming(called, "read"), _unbroken(called), opener(path, "rb") as stream:
        start = stream.read(4)
        size = _header_size(start)
        start += stream.read(_HEADER_BYTES.get(size, 4) - 4)
        total = _promised(start, size, called)
        rest = stream.read(total - len(start))
        further = stream.read(_MAX_OFFSET + 1)  # the checksum of a compressed file is looked at when its end comes
    if len(start) + len(rest) < total:
        raise InputError(f"{called}: cut short; copy or export it again.")
    if len(further) > _MAX_OFFSET:
        raise InputError(f"{called}: much longer than its header says; export it again.")
    return start + rest


def _header_size(start: bytes) -> int:
    """348 or 540 in either byte order, 0 when it is no NIfTI header."""
    sizes = (int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big"))
    return next((size for size in sizes if size in _HEADER_BYTES), 0)


def _promised(start: bytes, size: int, called: str) -> int:
    """How many bytes the file must have, from its header alone."""
    from nibabel import Nifti1Header, Nifti2Header
    from nibabel.spatialimages import HeaderDataError

    if len(start) < _HEADER_BYTES.get(size, 1):
        raise InputError(f"{called}: not a readable NIfTI file; export it again.")
    header = (Nifti2Header if size == 540 else Nifti1Header)(start[:size], check=False)
    try:
        shape = [int(length) for length in header.get_data_shape()]
        dtype, offset = header.get_data_dtype(), float(header["vox_offset"])
    except (HeaderDataError, KeyError) as error:
        raise InputError(f"{called}: its voxel type is not one NIfTI defines; export it again.") from error
    if dtype.kind not in "iuf":
        raise InputError(f"{called}: holds colours or complex numbers; export one number a voxel.")
    if not 2 <= len(shape) <= 7 or any(length > 1 for length in shape[3:]):
        raise InputError(f"{called}: is {len(shape)}-D; export one 3-D volume a file.")
    voxels = math.prod(shape)
    if min(shape) < 1 or voxels > MAX_VOXELS or not 0 <= offset <= _MAX_OFFSET:
        raise InputError(f"{called}: its header claims an absurd size; at most {MAX_VOXELS} voxels are read.")
    return max(int(offset), _HEADER_BYTES[size]) + voxels * dtype.itemsize


def _directions(axes: str) -> np.ndarray:
    """The [4, 4] affine of 1 mm voxels whose axes point where the codes say."""
    affine = np.zeros((4, 4))
    affine[3, 3] = 1.0
    for axis, code in enumerate(axes):
        row = next(row for row, pair in enumerate(("LR", "PA", "IS")) if code in pair)
        affine[row, axis] = 1.0 if code in "RAS" else -1.0
    return affine
