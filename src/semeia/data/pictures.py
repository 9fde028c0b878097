"""Resample a picture (a radiograph, an endoscopy) to the planes that a network sees: gray or colours, of a fixed size.

Nothing is fitted: every choice is a function of the picture alone, so that another hospital's pictures go the same way.

A second modality that is derived from the first (`narrow_band`) adds nothing about the patient: it can only act as an
augmentation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from semeia.errors import InputError

# Share of the pixels below black and above white where the levels are those of the picture.
TAILS = (1.0, 99.0)
Colours = Float[np.ndarray, "channel height width"]
Transform = Callable[[Colours], Colours]
# How many times more strongly haemoglobin absorbs in the narrow green band around 540 nm, and in the narrow blue band
# around 415 nm, than over a camera's green and blue. Rounded choices, no measurements: mucosa scatters, cameras differ.
GREEN, BLUE = 1.5, 2.0
BRIGHTEST = 99.0  # percentile that automatic exposure brings to white


@dataclass(frozen=True)
class PictureSettings:
    """How a picture without a spacing in millimetres becomes a plane.

    Attributes:
        fit: "stretch" shows the whole picture, whatever its proportions; "cover" keeps the proportions and shows the
            largest middle part that fills the plane.
        levels: "type" maps the range of the pixel type to [0, 1]; "picture" maps the picture's own 1st and 99th
            percentiles, so that 12 bits kept in 16, or a pale exposure, do not come out dark.
        colour: "keep" gives a model three channels where any picture of the archive has colours; "gray" averages them.
        bright_middle: inverts a picture whose middle is darker than its left and right sides: in a radiograph of a
            limb, bone must be bright (PNG and JPEG do not carry DICOM's MONOCHROME1).
        hidden: parts of the plane that are made black in every picture (burned-in text, insets): left, top, right and
            bottom as shares of its width and height.
        derive: name of a function of the picture that is shown instead of it (data/pictures.py); empty: none.
    """

    fit: Literal["stretch", "cover"] = "stretch"
    levels: Literal["type", "picture"] = "type"
    colour: Literal["keep", "gray"] = "keep"
    bright_middle: bool = False
    hidden: tuple[tuple[float, float, float, float], ...] = ()
    derive: str = ""

    def __post_init__(self) -> None:
        for left, top, right, bottom in self.hidden:
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                raise InputError(
                    f"picture: hidden part {[left, top, right, bottom]} must be left, top, right, bottom within 0 to 1"
                )
        if self.derive:
            derivation(self.derive)


def planes_of(
    picture: np.ndarray, *, size: tuple[int, int], settings: PictureSettings, channels: int = 1
) -> np.ndarray:
    """Resample a picture to float32 [channel, height, width] in [0, 1].

    Args:
        picture: uint8 or uint16 [rows, columns] or [rows, columns, colours].
        channels: 1 averages colours to gray; 3 keeps them, and repeats gray.
    """
    if picture.dtype.kind != "u":
        raise InputError(f"a picture holds {picture.dtype}: expected unsigned integers")
    scaled = picture.astype(np.float32) / np.iinfo(picture.dtype).max
    if channels == 1:
        colours = [scaled.mean(2) if scaled.ndim == 3 else scaled]
    else:
        colours = list(np.moveaxis(scaled, 2, 0)) if scaled.ndim == 3 else [scaled] * channels
    planes = _without(np.stack([_resized(colour, size, settings) for colour in colours]), settings)
    if settings.levels == "picture":
        low, high = np.percentile(planes, TAILS)
        planes = (planes - low) / max(high - low, 1e-6)
    planes = planes.clip(0.0, 1.0).astype(np.float32)
    if settings.bright_middle and middle_is_dark(planes.mean(0)):
        planes = 1 - planes
    if settings.derive:
        planes = derivation(settings.derive)(planes)
    return _without(planes, settings)


def _without(planes: np.ndarray, settings: PictureSettings) -> np.ndarray:
    """Make the hidden parts black; a pixel that is partly in one is hidden."""
    height, width = planes.shape[1:]
    for left, top, right, bottom in settings.hidden:
        rows = slice(int(top * height), int(np.ceil(bottom * height)))
        planes[:, rows, int(left * width) : int(np.ceil(right * width))] = 0.0
    return planes


def _resized(gray: np.ndarray, size: tuple[int, int], settings: PictureSettings) -> np.ndarray:
    from PIL import Image

    # Pillow widens its filter where it shrinks: what is finer than a pixel of the plane does not alias into it.
    box = middle_part(gray.shape, size) if settings.fit == "cover" else None
    small = Image.fromarray(gray).resize((size[1], size[0]), Image.Resampling.BILINEAR, box=box)
    return np.asarray(small, np.float32)


def middle_part(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Find the largest middle part of a picture with the proportions of `size`: left, top, right, bottom in pixels."""
    rows, columns = shape
    height = min(rows, columns * size[0] / size[1])
    width = min(columns, rows * size[1] / size[0])
    left, top = (columns - width) / 2, (rows - height) / 2
    return left, top, left + width, top + height


def middle_is_dark(plane: np.ndarray) -> bool:
    """Say whether the middle third of the columns is darker than the outer sixths: bone against soft tissue and air."""
    width = plane.shape[1]
    sixth = max(width // 6, 1)
    middle = plane[:, width // 3 : width - width // 3].mean()
    return bool(middle < (plane[:, :sixth].mean() + plane[:, -sixth:].mean()) / 2)


def narrow_band(planes: Colours) -> Colours:
    """Draw a white-light picture (red, green, blue in [0, 1]) as narrow-band imaging would roughly show it.

    Narrow-band imaging lights with 540 nm, shown as red, and 415 nm, shown as green and blue (Gono et al. 2004). The
    camera's green and blue stand for these; stronger absorption over the same path raises the light that comes back to
    a power (Beer and Lambert); exposure follows the brightest parts. A pseudo-modality, never narrow-band imaging.
    """
    if len(planes) != 3:
        raise InputError("pseudo narrow-band imaging needs the colours of a picture; it has one channel")
    green, blue = planes[1] ** GREEN, planes[2] ** BLUE
    drawn = np.stack([green, blue, blue])
    return (drawn / max(float(np.percentile(drawn, BRIGHTEST)), 1e-3)).clip(0.0, 1.0).astype(np.float32)


# A callable of one's own is one more name: TRANSFORMS["mine"] = function, before anything is read.
TRANSFORMS: dict[str, Transform] = {"narrow_band": narrow_band}


def derivation(name: str) -> Transform:
    """Find a transform by its name."""
    if name not in TRANSFORMS:
        raise InputError(f"picture: derive is '{name}'; there are {', '.join(TRANSFORMS)}")
    return TRANSFORMS[name]
