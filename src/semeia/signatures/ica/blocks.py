"""Read rows a block at a time, from a matrix in memory or a .npy file.

Everything that fits components reads its rows through `Samples`, so none of it knows where they are kept. A file is
read, not mapped: the system keeps it in memory as far as there is room, the process holds a few blocks however long it
is, and reading is faster than the page faults of a mapping.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from semeia.archive.atomic import naming
from semeia.errors import InputError
from semeia.group import own_share

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

    def rows(self, start: int, end: int) -> Float[np.ndarray, "b p"]:
        """Rows `start` to `end`, that one not included; float32 or float64."""
        ...


def blocks(samples: Samples, size: int) -> Iterator[Float[np.ndarray, "b p"]]:
    """All rows in order, `size` at a time; only the last block may be shorter."""
    for start in range(0, samples.shape[0], size):
        yield samples.rows(start, min(start + size, samples.shape[0]))


def own_blocks(samples: Samples, size: int) -> Iterator[tuple[int, Float[np.ndarray, "b p"]]]:
    """The blocks that are this process's share (all, without a group), each with the place of its first row."""
    for start in own_share(range(0, samples.shape[0], size)):
        yield start, samples.rows(start, min(start + size, samples.shape[0]))


@dataclass(frozen=True)
class ArraySamples:
    """A matrix in memory."""

    values: Float[np.ndarray, "n p"]

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape[0], self.values.shape[1]

    def rows(self, start: int, end: int) -> Float[np.ndarray, "b p"]:
        return self.values[start:end]


@dataclass(frozen=True)
class FileSamples:
    """A matrix in a .npy file; made by `open_samples`."""

    path: Path
    shape: tuple[int, int]
    dtype: np.dtype
    offset: int

    def rows(self, start: int, end: int) -> Float[np.ndarray, "b p"]:
        channels = self.shape[1]
        with naming(self.path, "read"), self.path.open("rb") as stream:
            stream.seek(self.offset + start * channels * self.dtype.itemsize)
            return np.fromfile(stream, self.dtype, (end - start) * channels).reshape(end - start, channels)


def open_samples(path: str | Path) -> FileSamples:
    """The rows of a .npy file (C order, float32 or float64) without reading them."""
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

    @cached_property
    def _ends(self) -> Int[np.ndarray, " n"]:
        """Where the copies of each row end."""
        return np.cumsum(self.counts)

    def rows(self, start: int, end: int) -> Float[np.ndarray, "b p"]:
        first = int(np.searchsorted(self._ends, start, side="right"))
        last = int(np.searchsorted(self._ends, end, side="left")) + 1
        ends, counts = self._ends[first:last], self.counts[first:last]
        within = np.minimum(ends, end) - np.maximum(ends - counts, start)
        return np.repeat(self.samples.rows(first, last), within, axis=0)


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

    def rows(self, start: int, end: int) -> Float[np.ndarray, "b p"]:
        parts = []
        for number in range(start // self.taken, -(-end // self.taken)):
            first, before = number * self.piece, number * self.taken
            parts.append(self.samples.rows(first + max(start - before, 0), first + min(end - before, self.taken)))
        return np.concatenate(parts)


def block_rows(columns: int, itemsize: int) -> int:
    """Rows to a block of so many columns."""
    return int(np.clip(BLOCK_BYTES // (columns * itemsize), LEAST_ROWS, MOST_ROWS))
