"""Stream an archive's sections, a batch of patients after the other, in bounded memory, by processes.

The batches are a function of the archive, the sections and their size, never of the number of processes, and come back
in order: whatever is summed over them is the same for any number.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, pairwise

import numpy as np
import polars as pl

from semeia.archive.schema import EVENTS
from semeia.archive.store import Archive
from semeia.errors import InputError
from semeia.processes import in_processes
from semeia.signatures.channels import Channels
from semeia.signatures.curves import SectionValues, joined, values_at
from semeia.signatures.window import Window

# Sections of a batch: enough patients that reading and starting a process are small beside the work.
SECTIONS_A_BATCH = 10_000
_NO_EVENTS = EVENTS.empty()


def section_values(
    archive: Archive,
    sections: pl.DataFrame,
    channels: Channels,
    *,
    window: Window,
    seed: int,
    workers: int = 1,
    size: int = SECTIONS_A_BATCH,
) -> Iterator[SectionValues]:
    """The values at all sections, batch after batch; the rows of the batches, put together, are the rows of `sections`.

    Sections come by subject, who is never cut, about `size` to a batch. `seed` is of the draws of the intensities.
    """
    from joblib import delayed

    if not sections["subject_id"].is_sorted():
        raise InputError("sections: sort them by subject_id; they are read in the order of the archive.")
    people = archive.table("subjects")  # read once here; a worker gets the rows it needs
    jobs = (
        (archive, batch, people.join(batch, on="subject_id", how="semi"), channels, window, seed)
        for batch in _batches(sections, size)
    )
    yield from in_processes((delayed(_values_of)(*job) for job in jobs), workers=workers)


def _batches(sections: pl.DataFrame, size: int) -> Iterator[pl.DataFrame]:
    """Sections of consecutive subjects: fewer than `size` before the last subject, who is never cut."""
    fresh = sections["subject_id"].diff().fill_null(1).to_numpy() != 0
    begins = np.flatnonzero(fresh)
    starts = begins[np.flatnonzero(np.diff(begins // size, prepend=-1))]
    for start, end in pairwise([*starts, sections.height]):
        yield sections[int(start) : int(end)]


def _values_of(
    archive: Archive, sections: pl.DataFrame, subjects: pl.DataFrame, channels: Channels, window: Window, seed: int
) -> SectionValues:
    """One batch of sections, its subjects' events read a million at a time; a subject without events comes last."""
    left, parts = sections.with_row_index("row"), []
    for events in chain(archive.event_batches(subjects=sections["subject_id"].unique().to_list()), [_NO_EVENTS]):
        if left.is_empty():
            break
        read = events.select(pl.col("subject_id").unique())
        own = left.join(read, on="subject_id", how="semi") if events.height else left
        left = left.join(own, on="row", how="anti")
        values = values_at(events, own, channels, subjects=subjects, window=window, seed=seed)
        parts.append(replace(values, row=own["row"].cast(pl.Int64).to_numpy()[values.row]))
    return joined(parts)
