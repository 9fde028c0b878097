"""Pretrain networks of events on a further archive, too: on its records, without a label, and with nobody tested there.

Databases call the same things by other codes. A table of the user's gives codes a shared name; how many of the events
of either archive have one is counted and said, because what has none is learnt apart.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.schema import BIRTH
from semeia.archive.store import Archive, open_archive
from semeia.archive.table_file import read_table
from semeia.data.dataset import Dataset, joined, open_dataset
from semeia.data.modalities.events import DATED
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.learning.cells import Cell
from semeia.progress import say
from semeia.studies.run.arms import Encoder
from semeia.studies.run.once import once
from semeia.studies.run.study import Inputs, Work

FURTHER, CODES = "further", "codes"  # among the inputs' files
# Records of fewer events may be alike by chance.
FEWEST_EVENTS = 20


@dataclass(frozen=True)
class FurtherEncoder(Encoder):
    """An encoder that learns from the further archive, too.

    Attributes:
        dates: how often each of its records is looked at.
    """

    dates: int = 8

    def seen(self, cell: Cell, rows: np.ndarray, work: Work) -> tuple[Dataset, np.ndarray]:
        """Lay the further records beside the units that may be seen."""
        own, rows = super().seen(cell, rows, work)
        more = read_further(work.inputs.files[FURTHER], self.settings.model, dates=self.dates)
        return joined(own, more), np.concatenate([rows, np.arange(len(own), len(own) + len(more))])


def shared_names(inputs: Inputs) -> dict[str, str]:
    """Read the table of codes with a shared name: columns code and shared. Without a table there is none."""
    if CODES not in inputs.files:
        return {}
    path = inputs.files[CODES]
    table = read_table(path, required=("code", "shared"), verbatim=("code", "shared"))
    pairs = table.frame.select(pl.col("code", "shared").cast(pl.String), row=pl.Series(table.rows))
    if empty := pairs.filter(pl.any_horizontal(pl.col("code", "shared").is_null()))["row"].to_list():
        raise InputError(f"{path}: row {empty[0]} lacks a code or its shared name")
    if twice := pairs.filter(pl.col("code").is_duplicated())["row"].to_list():
        raise InputError(f"{path}: the code in row {twice[0]} is given twice; it can have one shared name")
    return dict(pairs.select("code", "shared").iter_rows())


@once
def read_further(path: Path, model: ModelSettings, *, dates: int) -> Dataset:
    """Read the records of an archive at several dates each, as a model does; its own units are not looked at."""
    archive = open_archive(path)
    return open_dataset(archive, model.modalities, units=dated_units(archive, dates=dates))


def dated_units(archive: Archive, *, dates: int) -> pl.DataFrame:
    """Look at each record so many times, evenly through its events: the last time it is whole.

    Returns:
        unit_id, subject_id, time, each once.
    """
    listed = [pl.DataFrame(schema={"subject_id": pl.Int64, "time": pl.Datetime("us")})]
    part = (pl.int_range(pl.len()) * dates // pl.len()).over("subject_id")
    for events in archive.event_batches():
        timed = events.filter(DATED).sort("subject_id", "time")
        ends = timed.with_columns(part=part).group_by("subject_id", "part").agg(pl.col("time").max())
        listed.append(ends.select("subject_id", "time"))
    units = pl.concat(listed).unique().sort("subject_id", "time")
    return units.select(pl.format("further-{}", pl.int_range(pl.len())).alias("unit_id"), "subject_id", "time")


def shares(inputs: Inputs) -> pl.DataFrame:
    """Count how many events of either archive have a shared name, and how many a name that the other has, too.

    Returns:
        archive (studied, further), events, mapped and known (shares of the events).
    """
    names = shared_names(inputs)
    here, there = (
        events_by_code(open_archive(path)).with_columns(name=pl.col("code").replace(names))
        for path in (inputs.archive, inputs.files[FURTHER])
    )
    rows = []
    for called, own, other in (("studied", here, there), ("further", there, here)):
        counts = [
            int(part["events"].sum())
            for part in (own, own.filter(pl.col("code").is_in(list(names))), own.join(other, on="name", how="semi"))
        ]
        events, mapped, known = counts
        rows.append((called, events, round(mapped / max(events, 1), 4), round(known / max(events, 1), 4)))
    return pl.DataFrame(rows, schema=["archive", "events", "mapped", "known"], orient="row")


def events_by_code(archive: Archive) -> pl.DataFrame:
    """Count the events of each code, births and events without a date apart: code, events."""
    counted = [pl.DataFrame(schema={"code": pl.String, "events": pl.UInt32})]
    for events in archive.event_batches():
        timed = events.filter(DATED)
        counted.append(timed.group_by("code").agg(events=pl.len()).cast({"events": pl.UInt32}))
    return pl.concat(counted).group_by("code").agg(pl.col("events").cast(pl.Int64).sum()).sort("code")


def begin(inputs: Inputs) -> None:
    """Refuse a table that cannot be read, and an archive with a patient of the study's; say what is shared."""
    shared_names(inputs)
    if FURTHER not in inputs.files:
        return
    path = inputs.files[FURTHER]
    here, there = open_archive(inputs.archive), open_archive(path)
    named = set(here.table("subjects")["pseudonym"]) & set(there.table("subjects")["pseudonym"])
    if both := max(len(named), len(records_of(here) & records_of(there))):
        raise InputError(
            f"{path}: {both} of its patients are in {inputs.archive}, too, by id or by their record, event for event; "
            "they would be tested on models that were pretrained on them"
        )
    for row in shares(inputs).iter_rows(named=True):
        say(
            f"{row['archive']} archive: {row['events']} events; {row['mapped']:.1%} have a code with a shared name, "
            f"{row['known']:.1%} a name that the other archive has, too"
        )


def records_of(archive: Archive) -> set[tuple[int, int]]:
    """Hash each record of some length by its codes and values, whatever their dates: dates are often moved."""
    known: set[tuple[int, int]] = set()
    for events in archive.event_batches():
        content = pl.struct("code", "numeric_value").hash(seed=0) % 2**32  # so that no sum overflows
        records = events.filter(pl.col("code") != BIRTH).group_by("subject_id").agg(pl.len(), content=content.sum())
        known |= set(records.filter(pl.col("len") >= FEWEST_EVENTS).select("len", "content").iter_rows())
    return known
