"""Keep standardised sections on disk: dense blocks, or what differs from the fill row.

A section has values in a few hundred of thousands of channels; the others are fills. Only the values are kept, row
after row: row_ends.npy [rows + 1], channel.npy and value.npy [values], as they were before scaling, and scaling.json.
"""

from collections.abc import Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Float64, Int32, Int64
from numpy.lib import format as npy

from semeia.archive.atomic import replacing, write_json
from semeia.archive.small_file import read_object
from semeia.errors import InputError
from semeia.signatures.channels import Channels
from semeia.signatures.curves import SectionValues
from semeia.signatures.scaling import Scaling, ScalingFit, scaling_from

_FILES = {"row_ends": "<i8", "channel": "<i4", "value": "<f4"}
_SCALING = "scaling.json"


@dataclass(frozen=True)
class SectionMatrix:
    """Sections as rows of standardised channels; only a block is ever in memory."""

    folder: Path
    scaling: Scaling
    shape: tuple[int, int]

    @property
    def fill_row(self) -> Float64[np.ndarray, "p"]:
        """A section without any value, standardised."""
        return self.scaling.fill_row

    @property
    def size(self) -> int:
        """How many values there are; everything else is filled."""
        return len(_opened(self.folder, "value"))

    def rows(self, start: int, end: int, dtype: Literal["float32", "float64"] = "float32") -> Float[np.ndarray, "b p"]:
        """Rows `start` to `end`, that one not included."""
        row, channel, value = self.values(start, end)
        rows = np.tile(self.fill_row.astype(dtype), (end - start, 1))
        rows[row, channel] = self.scaling.standardised(channel, value)
        return rows

    def deviations(
        self, start: int, end: int
    ) -> tuple[Int64[np.ndarray, "n"], Int32[np.ndarray, "n"], Float64[np.ndarray, "n"]]:
        """What rows `start` to `end` have beyond the fill row: row counted from `start`, channel, difference."""
        row, channel, value = self.values(start, end)
        return row, channel, self.scaling.standardised(channel, value) - self.fill_row[channel]

    def values(
        self, start: int, end: int
    ) -> tuple[Int64[np.ndarray, "n"], Int32[np.ndarray, "n"], Float64[np.ndarray, "n"]]:
        """The values of rows `start` to `end` in their own units: row counted from `start`, channel, value."""
        ends = _part(self.folder, "row_ends", start, end + 1)
        channel, value = (_part(self.folder, name, int(ends[0]), int(ends[-1])) for name in ("channel", "value"))
        row = np.repeat(np.arange(end - start), np.diff(ends))
        return row, channel, value.astype(np.float64)


def build_matrix(stream: Iterable[SectionValues], channels: Channels, *, into: Path) -> SectionMatrix:
    """Write the values of consecutive sections as they come, and fit how they are standardised on the way.

    Nothing is kept in memory; `section_values` gives such values.
    """
    fit = ScalingFit(channels)
    with ExitStack() as files:
        writers = {
            name: files.enter_context(closing(_Column(files.enter_context(replacing(into / f"{name}.npy")), kind)))
            for name, kind in _FILES.items()
        }
        end, rows = 0, 0
        writers["row_ends"].append(np.zeros(1, np.int64))
        for values in fit.watching(stream):
            ends = end + np.cumsum(np.bincount(values.row, minlength=values.rows))
            for name, part in (("row_ends", ends), ("channel", values.channel), ("value", values.value)):
                writers[name].append(part)
            end, rows = end + len(values.row), rows + values.rows
        scaling = fit.scaling()
    write_json(into / _SCALING, scaling.as_json())
    return SectionMatrix(into, scaling, (rows, len(channels)))


def open_matrix(folder: str | Path) -> SectionMatrix:
    """The matrix that `build_matrix` wrote."""
    folder = Path(folder)
    try:
        scaling = scaling_from(read_object(folder / _SCALING))
    except InputError as error:
        raise InputError(f"{folder}: no matrix of sections; its {_SCALING} is missing or damaged.") from error
    return SectionMatrix(folder, scaling, (len(_opened(folder, "row_ends")) - 1, len(scaling.fill)))


class _Column:
    """A .npy file of unknown length being written; its header is put right at the end."""

    def __init__(self, path: Path, kind: str) -> None:
        self._handle, self._kind, self._length = path.open("wb"), kind, 0
        self._header()

    def append(self, part: np.ndarray) -> None:
        """Write some more entries."""
        self._handle.write(np.ascontiguousarray(part, self._kind).data)
        self._length += len(part)

    def close(self) -> None:
        """Write the header again, with the length: numpy leaves room in it for arrays that grow."""
        self._handle.seek(0)
        self._header()
        self._handle.close()

    def _header(self) -> None:
        shape = {"descr": self._kind, "fortran_order": False, "shape": (self._length,)}
        npy.write_array_header_1_0(self._handle, shape)


def _opened(folder: Path, name: str) -> np.ndarray:
    path = folder / f"{name}.npy"
    try:
        column = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: missing or damaged; build the matrix again.") from error
    if column.dtype != np.dtype(_FILES[name]) or column.ndim != 1:
        raise InputError(f"{path}: damaged; build the matrix again.")
    return column


def _part(folder: Path, name: str, start: int, end: int) -> np.ndarray:
    """Some entries, copied: the mapping goes with this call, so what is read does not stay in memory."""
    return np.array(_opened(folder, name)[start:end])
