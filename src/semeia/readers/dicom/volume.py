"""Resample a stack to voxels on a square, even grid, right-anterior-superior as nearly as the axes go.

Slices that are shifted against one another (a tilted gantry) are shifted back, in a grid widened so that nothing is
cut off; distances that differ are made even by linear interpolation. Both are derived from the positions of the
slices, never from what a header says of tilt or spacing, and both are said. What cannot be mended without inventing
anatomy is refused: a gap, two different slices at one place, slices that do not lie on a line.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from semeia.bounds import most
from semeia.errors import InputError
from semeia.readers.dicom.header import Header
from semeia.readers.dicom.pixels import in_unit, inverted, stored_frames
from semeia.readers.dicom.series import SAME_PLACE_MM, Stack
from semeia.readers.images.nifti import Volume, turned
from semeia.readers.images.nifti_geometry import Remark

_TILT_DEGREES, _UNEVEN = 0.1, 0.02  # from here on a stack is corrected
_OFF_LINE_MM, _GAP_RATIO = 0.5, 3.0
_FILL_HU = -1024.0

TILTED = "series with tilted slices (by their positions) were made square by shifting each slice"
UNEVEN = "series with uneven distances of slices were made even by linear interpolation"
COPIES = "slices are exact copies of another at the same place and were dropped"

TWO_AT_ONE = "series with two different slices at one place, which no header tells apart"
GAP = "series with a gap between slices (are some missing?)"
OFF_LINE = "series whose slices do not lie on a line"
TOO_LARGE = "series of more voxels than are read (SEMEIA_MOST_VOXELS moves the bound)"


def volume_of(stack: Stack) -> Volume:
    """Decode a stack and put it on a grid.

    Returns:
        Voxels in the unit of the modality (Hounsfield units for CT); whole numbers where the file has them, also
        after interpolation.

    Raises:
        InputError: It cannot be decoded, or is none of the stacks that can be mended; never says whose.
    """
    if len(stack.slices) * stack.header.rows * stack.header.columns > most("SEMEIA_MOST_VOXELS"):
        raise InputError(TOO_LARGE)
    values, stack, copies = _without_copies(_decoded(stack), stack)
    dtype, directions, depths = values.dtype, stack.directions, stack.depths
    gaps = np.diff(depths)
    _refuse_gaps(gaps)
    pixel_mm = stack.slices[0].plane.pixel_mm or (1.0, 1.0)
    row_mm, column_mm = (float(step) for step in pixel_mm)
    places = np.array([one.position for one in stack.slices])
    corner, remarks = places[0], [Remark(COPIES)] * copies
    shifts, degrees = _shifts(places, directions)
    if degrees > _TILT_DEGREES:
        values, before = _shifted(values, shifts / [column_mm, row_mm], _fill(values, stack.header))
        corner = corner - shifts[0] @ directions[:2] - before @ (directions[:2] * [[column_mm], [row_mm]])
        remarks.append(Remark(TILTED, f"by {degrees:.1f} degrees"))
    step = float(np.median(gaps))
    if np.abs(gaps - step).max() > _UNEVEN * step:
        values = _even(values, depths, step)
        remarks.append(Remark(UNEVEN, f"{gaps.min():.2f} to {gaps.max():.2f} mm, now {step:.2f} mm"))
    else:
        step = float(gaps.mean())
    values = np.rint(values).astype(dtype) if np.issubdtype(dtype, np.integer) else values
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = directions[0] * column_mm, directions[1] * row_mm
    affine[:3, 2], affine[:3, 3] = directions[2] * step, corner
    affine[:2] *= -1.0  # DICOM grows to the left and back, the archive to the right and front
    return turned(values.transpose(2, 1, 0), affine, tuple(remarks))


def film_of(stack: Stack) -> np.ndarray:
    """Decode a radiograph: uint8 or uint16 [row, column], bright where the stored picture means bright."""
    header = stack.header
    stored = stored_frames(header)[0]
    if header.dark_is_high:
        stored = inverted(stored, header)
    lowest = -(2 ** (header.bits - 1)) if header.signed else 0
    if stored.dtype.kind not in "iu" or stored.min() < lowest or stored.max() - lowest > 2**16 - 1:
        raise InputError("radiographs of other than whole numbers of up to 16 bits")
    return (stored.astype(np.int64) - lowest).astype(np.uint8 if header.bits <= 8 else np.uint16)


def _decoded(stack: Stack) -> list[np.ndarray]:
    """Values of each plane in their unit, [row, column]; each file is read once."""
    frames: dict[Path, np.ndarray] = {}
    values = []
    for one in stack.slices:
        header = one.header
        if header.path not in frames:
            frames[header.path] = stored_frames(header)
        stored = frames[header.path][one.plane.frame]
        if header.dark_is_high and header.modality != "CT":
            stored = inverted(stored, header)
        values.append(in_unit(stored, one.plane))
    return values


def _without_copies(planes: Sequence[np.ndarray], stack: Stack) -> tuple[np.ndarray, Stack, int]:
    """Drop planes that repeat the one before them, place and pixels; [slice, row, column], the rest, how many."""
    kept = [0]
    depths = stack.depths
    for place in range(1, len(planes)):
        if depths[place] - depths[kept[-1]] >= SAME_PLACE_MM:
            kept.append(place)
        elif not np.array_equal(planes[place], planes[kept[-1]]):
            raise InputError(TWO_AT_ONE)
    if len(kept) < 2:
        raise InputError(TWO_AT_ONE)
    rest = Stack(tuple(stack.slices[place] for place in kept))
    values = np.stack([planes[place] for place in kept])
    values = values if values.dtype.kind == "i" else values.astype(np.float32)  # slopes may differ by slice
    return values, rest, len(planes) - len(kept)


def _refuse_gaps(gaps: np.ndarray) -> None:
    """Refuse a stack in which slices seem to be missing: a few gaps are multiples of all others, or large."""
    step = float(np.median(gaps))
    usual = np.abs(gaps - step) <= 0.05 * step
    multiple = np.abs(gaps / step - np.rint(gaps / step)) <= 0.05
    missing = usual.mean() >= 0.6 and bool((multiple & (gaps > 1.5 * step)).any())
    if missing or gaps.max() > _GAP_RATIO * step:
        raise InputError(GAP)


def _shifts(places: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, float]:
    """mm by which slices are off a square stack, along columns and rows [slice, 2], and the tilt in degrees."""
    offsets = (places - places[len(places) // 2]) @ directions.T
    in_plane, depth = offsets[:, :2], offsets[:, 2:]
    slope = (in_plane * depth).sum(0) / (depth**2).sum()
    if np.abs(in_plane - depth * slope).max() > _OFF_LINE_MM:
        raise InputError(OFF_LINE)
    return in_plane, float(np.degrees(np.arctan(np.linalg.norm(slope))))


def _fill(values: np.ndarray, header: Header) -> float:
    """What stands where nothing was scanned: air in CT, else the lowest value."""
    return max(_FILL_HU, float(values.min())) if header.modality == "CT" else float(values.min())


def _shifted(values: np.ndarray, shifts: np.ndarray, fill: float) -> tuple[np.ndarray, np.ndarray]:
    """Shift slices by pixels along columns and rows [slice, 2], linearly, in a grid that holds them all.

    Returns:
        The wider slices, and how many columns and rows were added before the first.
    """
    from scipy.ndimage import shift

    before = np.ceil(np.maximum(-shifts.min(0), 0)).astype(int)
    after = np.ceil(np.maximum(shifts.max(0), 0)).astype(int)
    edges = ((before[1], after[1]), (before[0], after[0]))
    wide = [np.pad(plane.astype(np.float32), edges, constant_values=fill) for plane in values]
    moved = [
        shift(plane, (y, x), order=1, mode="constant", cval=fill) for plane, (x, y) in zip(wide, shifts, strict=True)
    ]
    return np.stack(moved), before


def _even(values: np.ndarray, depths: np.ndarray, step: float) -> np.ndarray:
    """Interpolate slices linearly at even distances from the first."""
    count = int(np.floor((depths[-1] - depths[0]) / step + 1e-3)) + 1
    wanted = np.minimum(depths[0] + step * np.arange(count), depths[-1])
    upper = np.clip(np.searchsorted(depths, wanted), 1, len(depths) - 1)
    weight = (wanted - depths[upper - 1]) / (depths[upper] - depths[upper - 1])
    weight = weight[:, None, None].astype(np.float32)
    return values[upper - 1] * (1 - weight) + values[upper] * weight
