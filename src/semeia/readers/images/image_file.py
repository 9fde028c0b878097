"""Read one image of any known format: pixels, geometry, and what was assumed.

What a model could not be trained on is refused here, when somebody can still do something about it.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from semeia.archive import Writer
from semeia.archive.hashing import array_sha256
from semeia.errors import InputError
from semeia.readers.images.image_format import JPEG, PNG, fits_its_name, foreign_files, format_of
from semeia.readers.images.nifti import Volume, read_nifti
from semeia.readers.images.nifti_geometry import Remark
from semeia.readers.images.picture_file import picture_of

INTENSITY = {
    "hu": "hu",
    "mri": "arbitrary",
    "img8": "per_slice_stretched",
    "mask": "display",
    "picture": "display",
}
_PICTURES = (".png", ".jpg", ".jpeg")
_MOST_ROWS = 5
SAME_PIXELS = "images have the pixels of another patient's: one person under two ids?"
OTHER_NAME = "files have a name whose ending does not fit their content, which was believed"


@dataclass(frozen=True)
class Image:
    """Pixels, what they mean (a key of `INTENSITY`), their format, their geometry if any, and what was assumed."""

    array: np.ndarray
    kind: str
    format: str
    volume: Volume | None
    remarks: tuple[Remark, ...]


def read_image(path: Path, *, called: str, kind: str | None = None, axes: str | None = None) -> Image:
    """Read a PNG, JPEG or NIfTI, told by its content.

    Args:
        called: What to call it in messages: its path may carry a patient's id.
        kind: What its numbers mean, a key of `INTENSITY`; by default `picture` for PNG and JPEG, `hu` for NIfTI.
        axes: Where the axes of a NIfTI point ("LPS"), to believe instead of its header.

    Raises:
        InputError: Another format (which is named), damaged, too large, or of values that cannot be of that kind.
    """
    known = format_of(path, called=called)
    is_picture = known in (PNG, JPEG) or (known is None and path.name.lower().endswith(_PICTURES))
    remarks = [] if known is None or fits_its_name(path, known) else [Remark(OTHER_NAME)]
    if is_picture:
        picture, volume = picture_of(path, name=called), None
        array, further = picture.array, picture.remarks
    else:
        volume = read_nifti(path, name=called, axes=axes)
        array, further = volume.array, volume.remarks
    chosen = kind or ("picture" if is_picture else "hu")
    _refuse_misfit(array, chosen, is_picture=is_picture, called=called)
    return Image(array, chosen, (known or "unknown").lower(), volume, (*remarks, *further))


def _refuse_misfit(array: np.ndarray, kind: str, *, is_picture: bool, called: str) -> None:
    """Values that a model would refuse, or misread, under the kind they are said to be."""
    if is_picture and kind in ("hu", "mri"):
        raise InputError(
            f"{called}: is a picture, which cannot be of kind {kind} (that is for NIfTI); leave --kind out."
        )
    if kind in ("picture", "img8") and array.dtype.kind != "u":
        raise InputError(
            f"{called}: holds {array.dtype.name} values, kind {kind} takes whole numbers from 0 (uint8, uint16); for "
            "MRI and other volumes without a unit say --kind mri, for CT --kind hu."
        )


def add_image(
    draft: Writer,
    image: Image,
    *,
    unit_id: str | None,
    subject_id: int,
    called: str | None = None,
    time: dt.datetime | None = None,
) -> str:
    """Add an image to a draft, under the name of its modality where it has one; the image_id."""
    volume = image.volume
    return draft.image(
        image.array,
        unit_id=unit_id,
        subject_id=subject_id,
        kind=called or image.kind,
        intensity=INTENSITY[image.kind],
        spacing=volume and volume.spacing,
        orientation=volume and volume.orientation,
        affine=None if volume is None else volume.affine,
        time=time,
        image_format=image.format,
    )


class Remarks:
    """What was assumed of a table's files, collected to be said once a kind, with rows and never with names."""

    def __init__(self) -> None:
        self._rows: dict[str, list[str]] = {}
        self._first: dict[str, tuple[int, int]] = {}

    def add(self, image: Image, *, row: int, subject_id: int) -> None:
        """Take what was assumed of the image in a row, and whether another patient has the same one."""
        for remark in image.remarks:
            self._rows.setdefault(remark.what, []).append(f"{row} {remark.detail}".strip())
        owner, first = self._first.setdefault(array_sha256(image.array), (subject_id, row))
        if owner != subject_id and image.array.min() < image.array.max():
            self._rows.setdefault(SAME_PIXELS, []).append(f"{row} as {first}")

    def note(self, draft: Writer) -> None:
        """Put it on the part's record, which the audit reads out."""
        for what, rows in self._rows.items():
            more = f" and {len(rows) - _MOST_ROWS} more" if len(rows) > _MOST_ROWS else ""
            draft.count(f"{what} (row {', '.join(rows[:_MOST_ROWS])}{more})", len(rows))


def require_table(folder: Path, **options: object) -> None:
    """Refuse a folder given without the options that say whose each image is, naming what the folder holds."""
    absent = [f"--{name}" for name, value in options.items() if value is None]
    if absent:
        foreign = foreign_files(folder)
        also = f" Its files: {foreign}" if foreign else ""
        raise InputError(
            f"{folder}: give {', '.join(absent)}: a table says which file is whose, one row an image.{also}"
        )
