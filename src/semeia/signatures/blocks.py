"""Rows that are read a block at a time: a matrix in memory or in a .npy file goes in, its blocks come out in order.

Everything that fits components reads its rows through `Samples`, so none of it knows where they are kept. A file is
read, not mapped: the system keeps it in memory as far as there is room, the process holds a few blocks however long it
is, and reading is faster than the page faults of a mapping.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from semeia.archive.atomic import naming
from semeia.errors import InputError

# A block and its projections stay in cache; with fewer rows, adding up k x k sums would show beside the products.
BLOCK_BYTES = 2**20
LEAST_ROWS, MOST_ROWS = 2048, 65536


@runtime_checkable
class Samples(Protocol):
    """Rows of channels."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, channels)."""
        ...

    def blocks(self, size: int) -> Iterator[Float[np.ndarray, "b p"]]:
        """All rows in order, float32 or float64, `size` at a time; only the last block may be shorter."""
        ...


@dataclass(frozen=True)
class ArraySamples:
    """A matrix in memory."""

    values: Float[np.ndarray, "n p"]

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape[0], self.values.shape[1]

    def blocks(self, size: int) -> Iterator[Float[np.ndarray, "b p"]]:
        for start in range(0, len(self.values), size):
            yield self.values[start : start + size]


@dataclass(frozen=True)
class FileSamples:
    """A matrix in a .npy file; made by `open_samples`."""

    path: Path
    shape: tuple[int, int]
    dtype: np.dtype
    offset: int

    def blocks(self, size: int) -> Iterator[Float[np.ndarray, "b p"]]:
        channels = self.shape[1]
        with naming(self.path, "read"), self.path.open("rb") as stream:
            stream.seek(self.offset)
            for start in range(0, self.shape[0], size):
                rows = min(size, self.shape[0] - start)
                yield np.fromfile(stream, self.dtype, rows * channels).reshape(rows, channels)


def open_samples(path: str | Path) -> FileSamples:
    """The rows of a .npy file (C order, float32 or float64) without reading them.

    Raises:
        InputError: There is no such file, or it holds anything else.
    """
    path = Path(path)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: cannot be read as a .npy matrix; write it with numpy.save.") from error
    if not isinstance(array, np.memmap) or array.ndim != 2 or array.dtype not in (np.float32, np.float64):
        raise InputError(f"{path}: is not a two-dimensional float32 or float64 .npy matrix.")
    if not array.flags.c_contiguous:
        raise InputError(f"{path}: is kept column by column; save numpy.ascontiguousarray of it.")
    return FileSamples(path, (array.shape[0], array.shape[1]), np.dtype(array.dtype), array.offset)


@dataclass(frozen=True)
class RepeatedRows:
    """Each row as often as `counts` says, in order: one draw of a bootstrap without copying the matrix."""

    samples: Samples
    counts: Int[np.ndarray, " n"]

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.counts.sum()), self.samples.shape[1]

    def blocks(self, size: int) -> Iterator[Float[np.ndarray, "b p"]]:
        return _regular(self._pieces(size), size)

    def _pieces(self, size: int) -> Iterator[Float[np.ndarray, "b p"]]:
        start = 0
        for block in self.samples.blocks(size):
            yield np.repeat(block, self.counts[start : start + len(block)], axis=0)
            start += len(block)


@dataclass(frozen=True)
class LeadingRows:
    """The first `taken` of every `piece` rows: a part of the rows that is read without the rest, and from all of them.

    Whole stretches, not single rows, because a file is read a page at a time.
    """

    samples: Samples
    piece: int
    taken: int

    @property
    def shape(self) -> tuple[int, int]:
        rows, channels = self.samples.shape
        return rows // self.piece * self.taken + min(rows % self.piece, self.taken), channels

    def blocks(self, size: int) -> Iterator[Float[np.ndarray, "b p"]]:
        return _regular((block[: self.taken] for block in self.samples.blocks(self.piece)), size)


def block_rows(columns: int, itemsize: int) -> int:
    """Rows to a block of so many columns."""
    return int(np.clip(BLOCK_BYTES // (columns * itemsize), LEAST_ROWS, MOST_ROWS))


def _regular(pieces: Iterable[Float[np.ndarray, "b p"]], size: int) -> Iterator[Float[np.ndarray, "b p"]]:
    """The rows of pieces of any length, `size` at a time."""
    held: list[np.ndarray] = []
    rows = 0
    for piece in pieces:
        held.append(piece)
        rows += len(piece)
        if rows >= size:
            joined = np.concatenate(held)
            whole = rows - rows % size
            for start in range(0, whole, size):
                yield joined[start : start + size]
            held, rows = [joined[whole:].copy()], rows - whole
    if rows:
        yield np.concatenate(held)
