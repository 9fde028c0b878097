"""Read NIfTI files: voxels in closest RAS+ order with their geometry in mm.

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
from typing import TYPE_CHECKING

import numpy as np

from semeia.archive.atomic import naming
from semeia.bounds import bounded, most
from semeia.errors import InputError
from semeia.readers.images.image_format import format_of, is_gzip
from semeia.readers.images.nifti_geometry import Remark, geometry_of

if TYPE_CHECKING:
    from nibabel import Nifti1Header

SEGMENTATION = "volumes say that they are a segmentation (intent code 1002), no scan; they were taken as they are"
_LABEL = 1002  # NIFTI_INTENT_LABEL
# A compressed file may grow to this many bytes however small it is (a mask of the most voxels), beyond by a factor.
_GROWS_TO = 2**28
_HEADER_BYTES = {348: 352, 540: 544}  # NIfTI-1 and NIfTI-2, each with the 4 bytes that announce extensions


@dataclass(frozen=True)
class Volume:
    """One volume.

    Attributes:
        array: Voxels [x, y, z].
        spacing: mm between them.
        orientation: Axis codes; None where the file has no orientation. The same of `affine` and `stored_axes`.
        affine: [4, 4], from voxel to mm.
    """

    array: np.ndarray
    spacing: tuple[float, float, float]
    orientation: str | None
    affine: np.ndarray | None
    stored_axes: str | None
    remarks: tuple[Remark, ...] = ()


def read_nifti(path: str | Path, *, name: str | None = None, axes: str | None = None) -> Volume:
    """Read one volume and turn its axes to right, anterior, superior as nearly as they go without resampling.

    Args:
        path: A NIfTI file, compressed with gzip or not; its content decides, not its name.
        name: What to call it in messages, when its path may carry a patient's id.
        axes: Axis codes of the stored voxels, such as "LPS", to believe instead of the header's. The position
            is then unknown and the affine has its origin at voxel 0.

    Returns:
        The volume. Unscaled integers of up to 32 bits keep their type, everything else becomes float32. Without an
        orientation its axes stay as they are stored.

    Raises:
        InputError: Absent, damaged, cut short, not one 3-D volume of real finite numbers, a header of absurd
            size, or an affine that is no geometry.
    """
    called = name or str(path)
    if not Path(path).is_file():
        raise InputError(f"{called}: no such file.")
    format_of(Path(path), called=called)  # names what it is, where it is something else
    header, content = _bounded(Path(path), called)
    geometry = geometry_of(dict(header.items()), called=called)
    array, affine = _voxels(content, called), geometry.affine
    remarks = geometry.remarks + ((Remark(SEGMENTATION),) if int(header["intent_code"]) == _LABEL else ())
    del content  # turning the axes takes another copy of the voxels
    if axes is not None:
        affine = _directions(axes) @ np.diag([*geometry.spacing, 1.0])
    if affine is None:
        return Volume(array, geometry.spacing, None, None, None, remarks)
    return turned(array, affine, remarks)


def turned(array: np.ndarray, affine: np.ndarray, remarks: tuple[Remark, ...] = ()) -> Volume:
    """Turn voxels [x, y, z] to right, anterior, superior as nearly as they go without resampling."""
    import nibabel as nib

    stored = "".join(nib.aff2axcodes(affine))
    turn = nib.io_orientation(affine)
    voxels = np.ascontiguousarray(nib.apply_orientation(array, turn))
    affine = affine @ nib.orientations.inv_ornt_aff(turn, array.shape)
    x, y, z = (float(step) for step in np.linalg.norm(affine[:3, :3], axis=0))
    return Volume(voxels, (x, y, z), "".join(nib.aff2axcodes(affine)), affine, stored, remarks)


def _voxels(content: bytes, called: str) -> np.ndarray:
    """Voxels as stored, [x, y, z]."""
    from nibabel import Nifti1Image, Nifti2Image
    from nibabel.filebasedimages import ImageFileError
    from nibabel.imageglobals import LoggingOutputSuppressor
    from nibabel.spatialimages import HeaderDataError
    from nibabel.wrapstruct import WrapStructError

    try:
        with LoggingOutputSuppressor(), np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused below
            image = (Nifti2Image if _header_size(content) == 540 else Nifti1Image).from_bytes(content)
            array = np.asarray(image.dataobj)
    except (HeaderDataError, ImageFileError, WrapStructError, EOFError) as error:
        raise InputError(f"{called}: not a readable NIfTI file; export it again.") from error
    if array.dtype.kind not in "iu" or array.dtype.itemsize > 4 or array.dtype.name == "uint32":
        with np.errstate(over="ignore"):
            array = array.astype(np.float32)
        if not np.isfinite(array).all():
            raise InputError(f"{called}: has voxels that are not numbers, or none of single precision; replace them.")
    return array.reshape([*array.shape[:3], *([1] * (3 - array.ndim))])


@contextmanager
def _unbroken(called: str) -> Iterator[None]:
    """Turn what decompression says of a damaged file into one line."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{called}: not a readable NIfTI file; export it again.") from error


def _bounded(path: Path, called: str) -> tuple["Nifti1Header", bytes]:
    """The header, and the file as far as the header promises, once the promise is found reasonable."""
    with naming(called, "read"):
        compressed, size_on_disk = is_gzip(path), path.stat().st_size
    opener = gzip.open if compressed else open
    with naming(called, "read"), _unbroken(called), opener(path, "rb") as stream:
        start = stream.read(4)
        size = _header_size(start)
        start += stream.read(_HEADER_BYTES.get(size, 4) - 4)
        header, total = _promised(start, size, called)
        if compressed and total > max(_GROWS_TO, most("SEMEIA_MOST_GROWTH") * size_on_disk):
            raise InputError(
                f"{called}: would grow from {size_on_disk / 1e6:.1f} MB to {total / 1e6:.0f} MB when unpacked; crop "
                "it, store it in fewer bytes a voxel, or unpack it first. (SEMEIA_MOST_GROWTH moves the bound.)"
            )
        rest = stream.read(total - len(start))
        beyond = most("SEMEIA_MOST_HEADER_BYTES")
        further = stream.read(beyond + 1)  # the checksum of a compressed file is looked at when its end comes
    if len(start) + len(rest) < total:
        raise InputError(f"{called}: cut short; copy or export it again.")
    if len(further) > beyond:
        raise InputError(f"{called}: much longer than its header says; export it again.")
    return header, start + rest


def _header_size(start: bytes) -> int:
    """348 or 540 in either byte order, 0 when it is no NIfTI header."""
    sizes = (int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big"))
    return next((size for size in sizes if size in _HEADER_BYTES), 0)


def _promised(start: bytes, size: int, called: str) -> tuple["Nifti1Header", int]:
    """The header, unchecked, and how many bytes the file must have by it."""
    from nibabel import Nifti1Header, Nifti2Header
    from nibabel.spatialimages import HeaderDataError

    if not size or len(start) < _HEADER_BYTES[size]:
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
        frames = " x ".join(str(length) for length in shape)
        raise InputError(f"{called}: is {len(shape)}-D ({frames}); export one 3-D volume, of one frame, a file.")
    voxels = math.prod(shape)
    if min(shape) < 1 or not 0 <= offset <= most("SEMEIA_MOST_HEADER_BYTES"):
        raise InputError(f"{called}: its header claims an absurd size; export it again.")
    claim = f"its header claims an absurd size, {voxels} voxels"
    bounded(voxels, "SEMEIA_MOST_VOXELS", called=called, claim=claim, advice="crop it, or export it again")
    return header, max(int(offset), _HEADER_BYTES[size]) + voxels * dtype.itemsize


def _directions(axes: str) -> np.ndarray:
    """The [4, 4] affine of 1 mm voxels whose axes point where the codes say."""
    affine = np.zeros((4, 4))
    affine[3, 3] = 1.0
    for axis, code in enumerate(axes):
        row = next(row for row, pair in enumerate(("LR", "PA", "IS")) if code in pair)
        affine[row, axis] = 1.0 if code in "RAS" else -1.0
    return affine
