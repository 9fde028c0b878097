"""Hash pixels: exactly, or so that near copies share the hash."""

import hashlib
from pathlib import Path

import numpy as np

BLANK = "0" * 16  # perceptual hash of a plane without contrast
LOOK_SIDE = 16  # at 256 bits, other patients' images of the same body part are told apart
_BLOCK = 1 << 20


def array_sha256(array: np.ndarray) -> str:
    """SHA-256 of type, shape and values in C order, as 64 hex digits. Byte order does not matter."""
    plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{array.dtype.name}{tuple(array.shape)}".encode())
    digest.update(plain.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read block by block."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def middle_slice(array: np.ndarray, *, colour: bool = False) -> np.ndarray:
    """The middle [x, y] slice of a volume; of a picture the picture itself, colours averaged."""
    if array.ndim == 2:
        return array
    return array.mean(axis=-1) if colour else array[:, :, array.shape[2] // 2]


def perceptual_hash(plane: np.ndarray, *, side: int = 8) -> str:
    """Difference hash of a [rows, columns] array: `side` * `side` bits as hex digits.

    The plane is averaged down to `side` rows of `side` + 1 cells and each cell compared with its right neighbour, so
    the hash survives rescaling, recompression and a change of brightness or contrast. A constant plane gives all zeros.
    """
    from PIL import Image

    small = np.asarray(Image.fromarray(plane.astype(np.float32)).resize((side + 1, side), Image.Resampling.BOX))
    bits = (small[:, 1:] > small[:, :-1]).reshape(-1)
    return np.packbits(bits).tobytes().hex()
