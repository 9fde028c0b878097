"""Stream pixels to one flat file, and describe the values that an image has."""

import hashlib
import math
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from semeia.archive.atomic import PARTIAL, make_folder, naming, place
from semeia.archive.hashing import array_sha256

PERCENTS = (0, 1, 10, 50, 90, 99, 100)
_MOST = 1 << 20
_ALIGNMENT = 64


def percentiles(array: np.ndarray) -> list[float]:
    """The percentiles `PERCENTS` of an array: the least and the largest value exactly, those between of a million
    values taken evenly."""
    flat = array.reshape(-1)
    step = -(-flat.size // _MOST)
    while math.gcd(step, array.shape[-1]) > 1:  # a step along the rows would take a few columns only
        step += 1
    between = np.percentile(flat[::step], PERCENTS[1:-1])
    return [float(flat.min()), *(float(value) for value in between), float(flat.max())]


def bits_used(array: np.ndarray) -> int | None:
    """How many bits whole numbers take: 12 for 0 to 4095, and for 0 to 65520 in steps of 16. None for other numbers.

    Of numbers below 0, too, it is the bits of the range.
    """
    if array.dtype.kind == "u":
        used = int(np.bitwise_or.reduce(array.reshape(-1)))
        return (used // (used & -used)).bit_length() if used else 0
    if array.dtype.kind == "i":
        return (int(array.max()) - int(array.min())).bit_length()
    return None


class PixelFile:
    """A pixel file in the making, under a temporary name until it is placed. Opened at the first array."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._partial = path.with_name(f".{path.name}{PARTIAL}")
        self._hash = hashlib.sha256()
        self._size = 0
        self._stream: BinaryIO | None = None

    def add(self, array: np.ndarray) -> dict[str, object]:
        """Write `array`; gives the columns of a table that find it again and tell whether it has changed."""
        return {
            "shape": list(array.shape),
            "dtype": array.dtype.name,
            "part": f"pixels/{self.path.name}",
            "offset": self.append(array),
            "sha256": array_sha256(array),
        }

    def append(self, array: np.ndarray) -> int:
        """Write `array` in C order, little endian, 64-byte aligned; gives the byte it starts at."""
        plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        gap = -self._size % _ALIGNMENT
        data = bytes(gap) + plain.tobytes()
        with naming(self.path):
            if self._stream is None:
                make_folder(self.path.parent)
                self._stream = self._partial.open("wb")
            self._stream.write(data)
        self._hash.update(data)
        self._size += len(data)
        return self._size - len(data) + gap

    def place(self) -> str | None:
        """Close the file and give it its name; its SHA-256, or None when no array came."""
        if self._stream is None:
            return None
        with naming(self.path):
            self._stream.close()
            place(self._partial, self.path)
        return self._hash.hexdigest()

    def discard(self) -> None:
        """Remove the temporary file, and its folder if that leaves it empty."""
        if self._stream is None:
            return
        with suppress(OSError):
            self._stream.close()
        with suppress(OSError):
            self._partial.unlink(missing_ok=True)
            self.path.parent.rmdir()
