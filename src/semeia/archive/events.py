"""Read events larger than memory: sorted event files, whole subjects in batches.

Several files (one an ingest) are merged subject by subject, and rows that repeat each other across them dropped.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.event_file import ORDER
from semeia.archive.schema import BIRTH
from semeia.errors import InputError

_SPANS = {"subject_id": pl.Int64(), "start": pl.Int64(), "rows": pl.Int64()}
_SUMMARY = {"subject_id": pl.Int64(), "events": pl.Int64(), "first": pl.Datetime("us"), "last": pl.Datetime("us")}


def batches(
    files: Sequence[Path], *, size: int = 1_000_000, subjects: Collection[int] | None = None
) -> Iterator[pl.DataFrame]:
    """All events of consecutive subjects, about `size` rows at a time, from files each sorted by `ORDER`.

    A batch has fewer than `size` rows before its last subject, who is never cut. See `Archive.event_batches`.
    """
    if size < 1:
        raise InputError(f"a batch of {size} rows is none; give a size of 1 or more.")
    spans = [_spans(file) for file in files]
    counts = pl.concat([pl.DataFrame(schema=_SPANS), *spans]).group_by("subject_id").agg(pl.col("rows").sum())
    if subjects is not None:
        counts = counts.filter(pl.col("subject_id").is_in(list(subjects)))
    counts = counts.sort("subject_id").with_columns(batch=(pl.col("rows").cum_sum() - pl.col("rows")) // size)
    for chosen in counts.partition_by("batch", maintain_order=True):
        found = [_events_of(chosen["subject_id"], file, span) for file, span in zip(files, spans, strict=True)]
        frames = [frame for frame in found if frame.height]
        yield frames[0] if len(frames) == 1 else pl.concat(frames).unique().sort(ORDER)


def summarise(files: Sequence[Path]) -> pl.DataFrame:
    """Each subject's number of events, the first and the last, over events with a time other than birth.

    Returns:
        Columns subject_id, events, first, last, by subject; subjects without such an event are not in it.
    """
    timed = pl.col("time").is_not_null() & (pl.col("code") != BIRTH)
    found = [
        batch.filter(timed)
        .group_by("subject_id", maintain_order=True)
        .agg(pl.len().cast(pl.Int64).alias("events"), pl.col("time").min().alias("first"), last=pl.col("time").max())
        for batch in batches(files)
    ]
    return pl.concat([pl.DataFrame(schema=_SUMMARY), *found])


def repeated(files: Sequence[Path], new: Path) -> int:
    """How many rows of the file `new` are in `files` already."""
    subjects = _spans(new)["subject_id"].to_list() if files else []
    return sum(
        sum(batch.height for batch in batches(some, subjects=subjects)) * sign
        for some, sign in ((files, 1), ([new], 1), ([*files, new], -1))
    )


def _spans(file: Path) -> pl.DataFrame:
    """Where each subject's rows start and how many they are; read once, for a part never changes."""
    try:
        now = file.stat()
    except FileNotFoundError as error:
        raise InputError(f"{file}: missing from the archive; restore it from a backup.") from error
    return _read_spans(file, now.st_size, now.st_mtime_ns)


@lru_cache(maxsize=64)
def _read_spans(file: Path, size: int, changed: int) -> pl.DataFrame:
    """The spans of one file, read row group by row group; `size` and `changed` tell it from one written over it."""
    import pyarrow as pa
    from pyarrow import parquet

    changes, values, before, rows = [], [], None, 0
    try:
        with parquet.ParquetFile(file) as opened:
            for group in opened.iter_batches(columns=["subject_id"]):
                ids = group.column(0).to_numpy()
                if not len(ids):
                    continue
                fresh = np.flatnonzero(np.diff(ids, prepend=ids[:1] - 1 if before is None else before))
                changes.append(fresh + rows)
                values.append(ids[fresh])
                before, rows = ids[-1:], rows + len(ids)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise InputError(f"{file}: damaged; restore it from a backup.") from error
    start = np.concatenate([*changes, np.zeros(0, np.int64)])
    ids = np.concatenate([*values, np.zeros(0, np.int64)])
    return pl.DataFrame({"subject_id": ids, "start": start, "rows": np.diff(start, append=rows)}, schema=_SPANS)


def _events_of(subjects: pl.Series, file: Path, spans: pl.DataFrame) -> pl.DataFrame:
    """The rows of `subjects` in one file."""
    own = spans.join(subjects.to_frame(), on="subject_id", how="semi")
    if own.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(ORDER, pl.Null()))
    start, end = own["start"][0], own["start"][-1] + own["rows"][-1]
    rows = pl.scan_parquet(file, glob=False).slice(start, end - start)
    if own["rows"].sum() < end - start:
        rows = rows.filter(pl.col("subject_id").is_in(subjects.implode()))
    try:
        return rows.select(ORDER).collect(engine="streaming")
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise InputError(f"{file}: damaged; restore it from a backup.") from error
