"""Sorting events larger than memory: frames go in in any order; one sorted parquet file and its counts come out.

Frames are spilled beside the file as they come. Placing sorts them with duckdb, which spills too, and drops rows
that repeat another in every column.
"""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from semeia.archive.atomic import PARTIAL, naming, place
from semeia.archive.duck import connected, literal, one_file
from semeia.archive.hashing import file_sha256
from semeia.archive.schema import EVENTS

ORDER = tuple(column.name for column in EVENTS.columns)
_ROW_GROUP = 122_880  # duckdb's vector size times 60: what a reader must decode to reach one patient


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
        self._spilled: list[Path] = []

    def append(self, frame: pl.DataFrame) -> None:
        """Spill rows of the events table, in its columns and types."""
        if frame.is_empty():
            return
        spill = self._scratch / f"{len(self._spilled):06d}.parquet"
        with naming(self.path):
            self._scratch.mkdir(parents=True, exist_ok=True)
            frame.write_parquet(spill, compression="lz4")
        self._spilled.append(spill)
        self.rows += frame.height
        self.codes = pl.concat([self.codes, frame["code"].unique()]).unique()

    def place(self) -> Placed | None:
        """Sort, drop exact copies, give the file its name; None when no event came."""
        if not self._spilled:
            return None
        sorted_file = self._scratch / "sorted.parquet"
        columns = ", ".join(ORDER)
        by = ", ".join(f"{column} NULLS FIRST" for column in ORDER)
        spilled = ", ".join(one_file(spill) for spill in self._spilled)
        with naming(self.path), connected(self._scratch / "sort") as connection:
            written = connection.execute(
                f"COPY (SELECT DISTINCT {columns} FROM read_parquet([{spilled}]) ORDER BY {by}) "
                f"TO {literal(sorted_file)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
            ).fetchall()
            place(sorted_file, self.path)
        self.discard()
        rows = int(written[0][0])
        return Placed(rows, self.rows - rows, file_sha256(self.path))

    def discard(self) -> None:
        """Remove the scratch folder, and the folder around it if that leaves it empty."""
        if self._spilled:
            shutil.rmtree(self._scratch, ignore_errors=True)
            with suppress(OSError):
                self.path.parent.rmdir()
