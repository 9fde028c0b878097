"""Streaming pixels to one flat file: arrays go in one by one; their byte offsets and a hash come out."""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from semeia.archive.atomic import PARTIAL, make_folder, naming, place

_ALIGNMENT = 64


class PixelFile:
    """A pixel file in the making, under a temporary name until it is placed. Opened at the first array."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._partial = path.with_name(f".{path.name}{PARTIAL}")
        self._hash = hashlib.sha256()
        self._size = 0
        self._stream: BinaryIO | None = None

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
