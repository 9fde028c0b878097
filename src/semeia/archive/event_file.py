"""Sort events larger than memory into one parquet file.

Frames are spilled by ranges of subjects into scratch files, and each range is sorted by itself when the file is
placed; so memory holds a million rows, or a 64th of all. Rows that repeat another in every column are dropped.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from semeia.archive.atomic import PARTIAL, make_folder, naming, place
from semeia.archive.hashing import file_sha256
from semeia.archive.schema import BIRTH, EVENTS

if TYPE_CHECKING:
    from pyarrow import RecordBatchStreamWriter

ORDER = tuple(column.name for column in EVENTS.columns)
_RANGES = 64
_MOST_RANGES = 512  # files open at a time, where subjects were added after the first events
_HELD = 1_000_000
_ROW_GROUP = 131_072  # what a reader must decode to reach one patient


@dataclass(frozen=True)
class Placed:
    """What was written: rows, rows left out as exact copies, the file's SHA-256."""

    rows: int
    duplicates: int
    sha256: str


class EventFile:
    """An events file in the making, in a scratch folder until it is placed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self.codes = pl.Series("code", [], dtype=pl.String)
        self._scratch = path.with_name(f".{path.name}{PARTIAL}")
        self._held: list[pl.DataFrame] = []
        self._width = 0
        self._spills: dict[int, RecordBatchStreamWriter] = {}

    def append(self, frame: pl.DataFrame, *, subjects: int) -> None:
        """Take rows of the events table, in its columns and types; `subjects` is how many there are so far."""
        self.rows += frame.height
        self.codes = pl.concat([self.codes, frame["code"].unique()]).unique()
        self._held.append(frame)
        if sum(held.height for held in self._held) >= _HELD:
            self._width = self._width or -(-(subjects + 1) // _RANGES)
            self._spill()

    def place(self, births: pl.DataFrame | None = None) -> Placed | None:
        """Sort, drop exact copies, give the file its name; None when no event came.

        Args:
            births: subject_id, birth: the earliest that an event of birth may be.
        """
        from pyarrow import parquet

        if not self.rows:
            return None
        codes = self.codes.sort()
        whole = self._scratch / "sorted.parquet"
        rows = 0
        with naming(self.path):
            make_folder(self._scratch)
            schema = EVENTS.empty().to_arrow(compat_level=pl.CompatLevel.oldest()).schema
            with parquet.ParquetWriter(whole, schema, compression="zstd", use_dictionary=True) as writer:
                for range_of_subjects in self._ranges():
                    frame = _sorted(_capped(range_of_subjects, births), codes)
                    writer.write_table(frame.to_arrow(compat_level=pl.CompatLevel.oldest()), _ROW_GROUP)
                    rows += frame.height
            place(whole, self.path)
        self.discard()
        return Placed(rows, self.rows - rows, file_sha256(self.path))

    def discard(self) -> None:
        """Remove the scratch folder, and the folder around it if that leaves it empty."""
        for writer in self._spills.values():
            with suppress(OSError):
                writer.close()
        self._held, self._spills = [], {}
        if self._scratch.exists():
            shutil.rmtree(self._scratch, ignore_errors=True)
            with suppress(OSError):
                self.path.parent.rmdir()

    def _spill(self) -> None:
        """Write what is held to the files of its ranges."""
        import pyarrow as pa

        held, self._held = pl.concat(self._held), []
        number = (pl.col("subject_id") // self._width).clip(upper_bound=_MOST_RANGES - 1).alias("range")
        with naming(self.path):
            make_folder(self._scratch)
            for (place_in_order,), part in (
                held.with_columns(number).partition_by("range", as_dict=True, include_key=False).items()
            ):
                table = part.to_arrow(compat_level=pl.CompatLevel.oldest())
                if place_in_order not in self._spills:
                    options = pa.ipc.IpcWriteOptions(compression="lz4")
                    file = self._scratch / f"{place_in_order:04d}.arrow"
                    self._spills[place_in_order] = pa.ipc.new_stream(file, table.schema, options=options)
                self._spills[place_in_order].write_table(table)

    def _ranges(self) -> Iterator[pl.DataFrame]:
        """The events of each range of subjects, in the order of the ranges."""
        import pyarrow as pa

        if not self._spills:
            yield pl.concat(self._held)
            return
        if self._held:
            self._spill()
        for number in sorted(self._spills):
            self._spills[number].close()
            file = self._scratch / f"{number:04d}.arrow"
            with pa.memory_map(str(file)) as mapped:
                yield pl.DataFrame(pl.from_arrow(pa.ipc.open_stream(mapped).read_all()))
            file.unlink()


def _capped(frame: pl.DataFrame, births: pl.DataFrame | None) -> pl.DataFrame:
    if births is None:
        return frame
    earliest = pl.when(pl.col("code") == BIRTH).then(pl.max_horizontal("time", pl.col("birth").cast(pl.Datetime("us"))))
    joined = frame.join(births, on="subject_id", how="left", maintain_order="left")
    return joined.with_columns(earliest.otherwise("time").alias("time")).drop("birth")


def _sorted(frame: pl.DataFrame, codes: pl.Series) -> pl.DataFrame:
    """The rows in order, each once. Codes sort faster as their places in `codes`, all codes in order."""
    ordered = frame.with_columns(pl.col("code").cast(pl.Enum(codes))).sort(ORDER)
    changes = pl.any_horizontal(pl.col(ORDER).ne_missing(pl.col(ORDER).shift(1)))
    first = pl.int_range(pl.len()) == 0
    return ordered.filter(changes | first).with_columns(pl.col("code").cast(pl.String))
