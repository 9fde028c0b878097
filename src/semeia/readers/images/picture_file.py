"""Read PNG and JPEG files upright, with all their bits and colours, and without what was cut away.

Pillow reads 16 bits a channel as 8. It has the other byte, too: a picture of that kind is decoded once for each byte.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from semeia.bounds import bounded, most
from semeia.errors import InputError
from semeia.readers.images.nifti_geometry import Remark

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

CUT_AWAY = "pictures have transparent pixels (alpha); what they hide was made black"
BAD_METADATA = "pictures have damaged metadata; what it would say, such as which way is up, was not used"
FURTHER = "pictures hold further pictures (a preview, say); the first was read"
_GRAY_ALPHA, _RGB, _RGBA = 4, 2, 6  # colour types of PNG


@dataclass(frozen=True)
class Picture:
    """uint8 or uint16 [rows, columns], or [rows, columns, 3] where colours differ; and what was assumed."""

    array: np.ndarray
    remarks: tuple[Remark, ...] = ()


def read_picture(path: str | Path, *, name: str | None = None) -> np.ndarray:
    """Read a PNG or JPEG upright; see `picture_of`, which also tells what was assumed."""
    return picture_of(path, name=name).array


def picture_of(path: str | Path, *, name: str | None = None) -> Picture:
    """Read a PNG or JPEG upright.

    Args:
        path: The file; its content decides the format, not its suffix.
        name: What to call it in messages, when its path may carry a patient's id.

    Returns:
        The picture. What an alpha channel hides is black: it is not shown, and may be burnt-in text.

    Raises:
        InputError: Absent, damaged, another format, of several frames, or too large.
    """
    called = name or str(path)
    if not Path(path).is_file():
        raise InputError(f"{called}: no such file.")
    with _readable(called) as damage:
        deep = _sixteen_bit_colours(Path(path), called)
        array, alpha, further = _eight_bit_or_gray(Path(path), called) if deep is None else (*deep, False)
    remarks = [Remark(FURTHER)] if further else []
    remarks += [Remark(BAD_METADATA)] if damage else []
    if alpha is not None and alpha.min() < np.iinfo(alpha.dtype).max:
        array = _over_black(array, alpha)
        remarks.append(Remark(CUT_AWAY))
    if array.ndim == 3 and (array[..., :1] == array).all():
        array = array[..., 0]
    return Picture(np.ascontiguousarray(array), tuple(remarks))


@contextmanager
def _readable(called: str) -> Iterator[list[warnings.WarningMessage]]:
    """Turn what Pillow says of a damaged or monstrous file into one line; give what it warned of."""
    from PIL import Image

    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, most("SEMEIA_MOST_PIXELS")
    try:
        with warnings.catch_warnings(record=True) as damage:
            warnings.simplefilter("always", UserWarning)
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is looked at here
            warnings.filterwarnings("ignore", "Palette images with Transparency")  # they are converted as it advises
            yield damage
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise InputError(
            f"{called}: claims more than {2 * most('SEMEIA_MOST_PIXELS')} pixels; at most half of that are read: "
            "shrink it, or export the part that is needed. (SEMEIA_MOST_PIXELS moves the bound.)"
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise InputError(f"{called}: not a readable PNG or JPEG; export it again.") from error
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _opened(source: Path | io.BytesIO, called: str) -> "ImageFile":
    """The header of a picture, once its size is found reasonable."""
    from PIL import Image

    picture = Image.open(source, formats=["PNG", "JPEG"])
    claim = f"has {picture.width} x {picture.height} pixels ({picture.width * picture.height / 1e6:.0f} million)"
    try:
        bounded(
            picture.width * picture.height,
            "SEMEIA_MOST_PIXELS",
            called=called,
            claim=claim,
            advice="shrink it, or export the part that is needed",
        )
    except InputError:
        picture.close()
        raise
    frames = getattr(picture, "n_frames", 1)
    if picture.format == "PNG" and frames > 1:
        picture.close()
        raise InputError(f"{called}: holds {frames} frames; export one picture a file.")
    return picture


def _eight_bit_or_gray(path: Path, called: str) -> tuple[np.ndarray, np.ndarray | None, bool]:
    """Gray or colours, alpha where there is one, and whether the file holds further pictures."""
    with _opened(path, called) as picture:
        further = getattr(picture, "n_frames", 1) > 1
        picture.load()
        upright = _upright(picture)
    if upright.mode.startswith("I"):  # 16 bits of gray; one level may stand for transparent
        gray = np.asarray(upright).astype(np.uint16)
        key = picture.info.get("transparency")
        alpha = np.where(gray == key, 0, 65535).astype(np.uint16) if isinstance(key, int) else None
        return gray, alpha, further
    see_through = "transparency" in picture.info or "A" in upright.mode or "a" in upright.mode
    if upright.mode in ("1", "L", "LA") and not (upright.mode == "1" and see_through):
        levels = np.asarray(upright.convert("LA" if see_through else "L"))
        return (levels[..., 0], levels[..., 1], further) if see_through else (levels, None, further)
    colours = np.asarray(upright.convert("RGBA" if see_through else "RGB"))
    return colours[..., :3], colours[..., 3] if see_through else None, further


def _upright(picture: "Image") -> "Image":
    from PIL import ImageOps

    return ImageOps.exif_transpose(picture)


def _sixteen_bit_colours(path: Path, called: str) -> tuple[np.ndarray, np.ndarray | None] | None:
    """Colours, or gray with alpha, of a PNG of 16 bits a channel; None for any other file."""
    with path.open("rb") as stream:
        head = stream.read(33)  # the signature and the chunk IHDR
    if head[:8] != b"\x89PNG\r\n\x1a\n" or len(head) < 33 or head[24] != 16 or head[25] not in (2, 4, 6):
        return None
    if head[25] == _GRAY_ALPHA:  # the same bytes as four channels of 8 bits
        with _opened(path, called):
            pass
        chunk = head[12:24] + bytes([8, _RGBA]) + head[26:29]
        content = head[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + path.read_bytes()[33:]
        with _opened(io.BytesIO(content), called) as picture:
            picture.load()
            pixels = np.asarray(_upright(picture)).astype(np.uint16)
        return pixels[..., 0] << 8 | pixels[..., 1], pixels[..., 2] << 8 | pixels[..., 3]
    mode = "RGB" if head[25] == _RGB else "RGBA"
    high, low = (_byte_of_each(path, f"{mode};16{order}", called) for order in "BL")
    pixels = high.astype(np.uint16) << 8 | low
    if mode == "RGBA":
        return pixels[..., :3], pixels[..., 3]
    key = _transparent_colour(path, called)
    hidden = None if key is None else (pixels == np.array(key, np.uint16)).all(-1)
    return pixels, None if hidden is None else np.where(hidden, 0, 65535).astype(np.uint16)


def _byte_of_each(path: Path, raw_mode: str, called: str) -> np.ndarray:
    """One byte of every channel: the first as if big endian, the second as if little endian."""
    with _opened(path, called) as picture:
        picture.tile = [tile._replace(args=raw_mode) for tile in picture.tile]
        picture.load()
        return np.asarray(_upright(picture))


def _transparent_colour(path: Path, called: str) -> tuple[int, int, int] | None:
    with _opened(path, called) as picture:
        picture.load()
        return picture.info.get("transparency")


def _over_black(array: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The picture as it shows on black: each pixel times its opacity."""
    opacity = alpha.astype(np.float32) / np.iinfo(alpha.dtype).max
    shown = array * (opacity[..., None] if array.ndim == 3 else opacity)
    return np.rint(shown).astype(array.dtype)
