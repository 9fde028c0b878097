"""From a picture as it was stored (a radiograph, an endoscopy) to the plane a network sees: gray, of a fixed size.

In: uint8 or uint16 [rows, columns], perhaps with colours. Out: float32 [height, width] in [0, 1]. Nothing is fitted:
every choice is a function of the picture alone, so that another hospital's pictures go the same way.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from semeia.errors import InputError

# Share of the pixels below black and above white where the levels are those of the picture.
TAILS = (1.0, 99.0)


@dataclass(frozen=True)
class PictureSettings:
    """How a picture without a spacing in millimetres becomes a plane.

    Attributes:
        fit: "stretch" shows the whole picture, whatever its proportions; "cover" keeps the proportions and shows the
            largest middle part that fills the plane.
        levels: "type" maps the range of the pixel type to [0, 1]; "picture" maps the picture's own 1st and 99th
            percentiles, so that 12 bits kept in 16, or a pale exposure, do not come out dark.
        bright_middle: inverts a picture whose middle is darker than its left and right sides: in a radiograph of a
            limb, bone must be bright (PNG and JPEG do not carry DICOM's MONOCHROME1).
    """

    fit: Literal["stretch", "cover"] = "stretch"
    levels: Literal["type", "picture"] = "type"
    bright_middle: bool = False


def plane_of(picture: np.ndarray, *, size: tuple[int, int], settings: PictureSettings) -> np.ndarray:
    """One plane, float32 [height, width] in [0, 1].

    Args:
        picture: uint8 or uint16 [rows, columns] or [rows, columns, colours].
        size: height and width of the plane.
        settings: see `PictureSettings`.

    Raises:
        InputError: other pixels than 8 or 16 bits.
    """
    from PIL import Image

    if picture.dtype.kind != "u":
        raise InputError(f"a picture holds {picture.dtype}: expected unsigned integers")
    gray = picture.astype(np.float32) / np.iinfo(picture.dtype).max
    gray = gray.mean(2) if gray.ndim == 3 else gray
    # Pillow widens its filter where it shrinks: what is finer than a pixel of the plane does not alias into it.
    box = middle_part(gray.shape, size) if settings.fit == "cover" else None
    small = Image.fromarray(gray).resize((size[1], size[0]), Image.Resampling.BILINEAR, box=box)
    plane = np.asarray(small, np.float32)
    if settings.levels == "picture":
        low, high = np.percentile(plane, TAILS)
        plane = (plane - low) / max(high - low, 1e-6)
    plane = plane.clip(0.0, 1.0).astype(np.float32)
    return 1 - plane if settings.bright_middle and middle_is_dark(plane) else plane


def middle_part(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest middle part of a picture with the proportions of `size`: left, top, right, bottom in pixels."""
    rows, columns = shape
    height = min(rows, columns * size[0] / size[1])
    width = min(columns, rows * size[1] / size[0])
    left, top = (columns - width) / 2, (rows - height) / 2
    return left, top, left + width, top + height


def middle_is_dark(plane: np.ndarray) -> bool:
    """Whether the middle third of the columns is darker than the outer sixths: bone against soft tissue and air."""
    width = plane.shape[1]
    sixth = max(width // 6, 1)
    middle = plane[:, width // 3 : width - width // 3].mean()
    return bool(middle < (plane[:, :sixth].mean() + plane[:, -sixth:].mean()) / 2)
