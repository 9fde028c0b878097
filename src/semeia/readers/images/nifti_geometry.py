"""Read where the voxels of a NIfTI file lie: an affine in mm, or none, and what was assumed.

A header may say it twice (sform, qform), wrongly, or not at all. The sform is believed first, as everywhere; whatever
was chosen, assumed or left aside is remarked upon. Source: the NIfTI-1 header, nifti1.h.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from semeia.errors import InputError

_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
_UNIT = {1: " (its unit is the metre; if they are mm, correct xyzt_units)", 3: " (its unit is the micrometre)"}
_SMALLEST_MM, _LARGEST_MM = 1e-4, 100.0
_NOTHING, _ABSURD = 1e-12, 1e12  # what a header says beyond these is damage, and its squares may not be numbers
_DEGREES, _SHARE, _ORIGIN_MM = 1.0, 0.01, 1.0  # from here on two statements differ

UNKNOWN_ORIENTATION = (
    "volumes have no orientation (sform_code and qform_code are 0): right and left are unknown, stored as they are"
)
TWO_FORMS = "volumes have an sform and a qform that disagree; the sform was taken"
BAD_SFORM = "volumes have an sform without a geometry; the qform was taken"
BAD_QFORM = "volumes have a qform without a geometry; the sform was taken"
TWO_SIZES = "volumes have another voxel size in pixdim than in the sform, which was taken"
SHEARED = "volumes have sheared axes (a tilted gantry, say), which count as square"
NO_UNIT = "volumes state no unit of length; mm was assumed"
ODD_UNIT = "volumes state a unit of length that NIfTI does not define; mm was assumed"


@dataclass(frozen=True)
class Remark:
    """What was assumed of a file: `what` is the same for all such files, `detail` is how much in this one."""

    what: str
    detail: str = ""


@dataclass(frozen=True)
class Geometry:
    """[4, 4] affine from voxel to mm (None where the header has no orientation), mm between voxels, and remarks."""

    affine: np.ndarray | None
    spacing: tuple[float, float, float]
    remarks: tuple[Remark, ...]


def geometry_of(header: Mapping[str, np.ndarray], *, called: str) -> Geometry:
    """Read the geometry of a header, from the fields of NIfTI-1 or NIfTI-2 as they are stored."""
    unit = int(header["xyzt_units"]) & 7
    mm = np.array([_MM.get(unit, 1.0)] * 3 + [1.0])[:, None]
    pixdim = _pixdim(header)
    sform, qform = _sform(header) * mm, _qform(header, pixdim) * mm
    has_sform, has_qform = int(header["sform_code"]) > 0, int(header["qform_code"]) > 0
    remarks = [Remark(ODD_UNIT, f"code {unit}")] if unit not in _MM else [] if unit else [Remark(NO_UNIT)]
    affine = None
    if has_sform and _sound(sform):
        affine = sform
        remarks += _compared(sform, qform if has_qform else None, pixdim * mm[:3, 0])
    elif has_qform and _sound(qform):
        affine = qform
        remarks += [Remark(BAD_SFORM)] if has_sform else []
    elif has_sform or has_qform:
        forms = " and ".join(name for name, given in (("sform", has_sform), ("qform", has_qform)) if given)
        raise InputError(f"{called}: its {forms} is no geometry (a zero or infinite voxel); export it again.")
    else:
        remarks.append(Remark(UNKNOWN_ORIENTATION))
    spacing = pixdim * mm[:3, 0] if affine is None else np.linalg.norm(affine[:3, :3], axis=0)
    if not ((spacing >= _SMALLEST_MM) & (spacing <= _LARGEST_MM)).all():
        size = " x ".join(f"{step:g}" for step in spacing)
        raise InputError(f"{called}: its voxels would be {size} mm{_UNIT.get(unit, '')}; export it again.")
    if affine is not None and (degrees := _degrees_off_square(affine)) > _DEGREES:
        remarks.append(Remark(SHEARED, f"by {degrees:.0f} degrees"))
    x, y, z = (float(step) for step in spacing)
    return Geometry(affine, (x, y, z), tuple(remarks))


def _pixdim(header: Mapping[str, np.ndarray]) -> np.ndarray:
    """The size of a voxel as stored, [3]; 1 along an axis that a flat image does not have."""
    zooms = np.abs(_stored(header, "pixdim")[1:4])
    axes = int(header["dim"][0])
    return np.where((np.arange(3) >= axes) & (zooms == 0), 1.0, zooms)


def _sform(header: Mapping[str, np.ndarray]) -> np.ndarray:
    rows = [_stored(header, f"srow_{axis}") for axis in "xyz"]
    return np.stack([*rows, [0.0, 0.0, 0.0, 1.0]])


def _qform(header: Mapping[str, np.ndarray], pixdim: np.ndarray) -> np.ndarray:
    """The affine of a unit quaternion (a, b, c, d), voxel sizes and offsets; NaN where it is no rotation."""
    b, c, d = (float(_stored(header, f"quatern_{name}")) for name in "bcd")
    rest = 1.0 - (b * b + c * c + d * d)
    affine = np.full((4, 4), np.nan)
    affine[3] = [0.0, 0.0, 0.0, 1.0]
    if not rest > -1e-5:  # NaN, too
        return affine
    a = float(np.sqrt(max(rest, 0.0)))
    if a == 0.0:
        b, c, d = np.array([b, c, d]) / np.sqrt(b * b + c * c + d * d)
    turn = [
        [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
        [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
        [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ]
    qfac = -1.0 if float(header["pixdim"][0]) < 0 else 1.0
    affine[:3, :3] = np.array(turn) * pixdim * [1.0, 1.0, qfac]
    affine[:3, 3] = [float(_stored(header, f"qoffset_{axis}")) for axis in "xyz"]
    return affine


def _stored(header: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """The numbers of a field; NaN where they are absurd, 0 where they are as good as 0."""
    numbers = np.asarray(header[name], np.float64)
    numbers = np.where(np.abs(numbers) < _NOTHING, 0.0, numbers)
    return np.where(np.abs(numbers) <= _ABSURD, numbers, np.nan)


def _sound(affine: np.ndarray) -> bool:
    """Whether an affine spans a volume."""
    if not np.isfinite(affine).all():
        return False
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    return bool((sizes > 1e-6).all() and abs(np.linalg.det(affine[:3, :3])) > 1e-3 * np.prod(sizes))


def _compared(sform: np.ndarray, qform: np.ndarray | None, pixdim: np.ndarray) -> list[Remark]:
    """What else the header says of the geometry, where it differs from the sform."""
    sizes = np.linalg.norm(sform[:3, :3], axis=0)
    remarks = []
    if qform is not None and not _sound(qform):
        remarks.append(Remark(BAD_QFORM))
    elif qform is not None:
        cosines = (sform[:3, :3] * qform[:3, :3]).sum(0) / sizes / np.linalg.norm(qform[:3, :3], axis=0)
        degrees = float(np.degrees(np.arccos(np.clip(cosines, -1, 1))).max())
        shift = float(np.linalg.norm(sform[:3, 3] - qform[:3, 3]))
        if degrees > _DEGREES:
            remarks.append(Remark(TWO_FORMS, f"by {degrees:.0f} degrees"))
        elif shift > _ORIGIN_MM:
            remarks.append(Remark(TWO_FORMS, f"by {shift:.0f} mm"))
    known = np.isfinite(pixdim) & (pixdim > 0)
    ratio = np.where(known, sizes / np.where(known, pixdim, 1.0), 1.0)
    if np.abs(ratio - 1).max() > _SHARE:
        remarks.append(Remark(TWO_SIZES, f"{ratio.max() if ratio.max() > 1.01 else ratio.min():.2g} times"))
    return remarks


def _degrees_off_square(affine: np.ndarray) -> float:
    """The largest angle by which two axes of the voxels miss the right angle."""
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    cosines = np.abs((axes.T @ axes)[np.triu_indices(3, 1)])
    return float(np.degrees(np.arcsin(np.clip(cosines, 0, 1))).max())
