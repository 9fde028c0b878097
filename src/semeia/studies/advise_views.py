"""Read the units of an archive as columns by view: values of tables and vectors, pixels, counts and values of a record.

A view is a modality; of an archive with a single one its two halves are the views: sides of an image, columns of a
table, the time before and after the middle of a record.
"""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from semeia.archive.schema import BIRTH
from semeia.archive.store import Archive
from semeia.data.dataset import Dataset, open_dataset
from semeia.data.modalities import Picture, Signal, Text, Volume
from semeia.data.modalities.volume import MASK
from semeia.data.modality import Modality
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.learning.advice.predictability import components
from semeia.learning.columns import Columns, numbers
from semeia.studies.records.counts import counts_of, seen_codes, values_of
from semeia.studies.run.reading import labels_of, units_at

EVENTS = "events"
LEAST = 10  # units that have a code, for it to be read
CLASSES = 20  # most classes of an outcome
WIDE = 200  # more columns than these enter the simple model as principal components
IMAGE_COMPONENTS = 60


@dataclass(frozen=True)
class Views:
    """Units of an archive with their columns.

    Attributes:
        data: the units, with every modality but the record.
        views: columns by name, NaN where missing, [unit, column].
        halves: two parts of each view, its name and what they are.
        images: names of views that are pixels.
        labels: 0, 1, ... or NaN, [unit].
    """

    data: Dataset
    views: dict[str, np.ndarray]
    halves: dict[str, tuple[np.ndarray, np.ndarray]]
    images: tuple[str, ...]
    labels: np.ndarray

    @property
    def there(self) -> dict[str, np.ndarray]:
        """Which units have each view, bool [unit]."""
        return {name: np.asarray(~np.isnan(values).all(1)) for name, values in self.views.items()}

    def simple(self) -> np.ndarray:
        """Columns for a simple model: as they are, a missing one at its mean; of images and wide views components."""
        parts = []
        for name, values in self.views.items():
            if name in self.images or values.shape[1] > WIDE:
                parts.append(components(values, most=IMAGE_COMPONENTS))
            else:
                known = ~np.isnan(values)
                parts.append(np.where(known, values, np.where(known, values, 0).sum(0) / known.sum(0).clip(min=1)))
        return np.hstack(parts)


def open_views(archive: Archive, *, outcome: str | None, modalities: tuple[str, ...] | None) -> Views:
    """Read units that have any view, a record up to the time of prediction of the outcome; all views by default."""
    settings = _modalities(archive)
    dated = bool(archive.files_of("events"))
    there = (*settings, EVENTS) if dated else tuple(settings)
    wanted = modalities or there
    if lacking := sorted(set(wanted) - set(there)):
        raise InputError(f"{archive.path}: no {', '.join(lacking)}; it has {', '.join(there) or 'nothing to measure'}")
    if not wanted:
        raise InputError(f"{archive.path}: has no image, reading, array or record that columns could be made of")
    units = units_at(archive, outcome or "") if dated else None
    data = open_dataset(archive, {name: settings[name] for name in wanted if name != EVENTS}, units=units)
    views = {name: _columns(data, name) for name in data.modalities if data.observed(name).any()}
    halves = {name: _sides(values, _width(data, name)) for name, values in views.items()}
    if EVENTS in wanted:
        whole, *parts = record_columns(archive, data.units)
        views[EVENTS], halves[EVENTS] = whole, (parts[0], parts[1])
    labels = np.full(len(data), np.nan)
    if outcome is not None:
        labels = labels_of(data.units, archive, outcome, classes=_classes(archive, outcome))
    rows = np.flatnonzero(np.any([~np.isnan(values).all(1) for values in views.values()], axis=0))
    images = tuple(name for name in views if isinstance(data.modalities.get(name), Volume))
    taken = {name: (one[rows], other[rows]) for name, (one, other) in halves.items()}
    return Views(data.take(rows), {name: one[rows] for name, one in views.items()}, taken, images, labels[rows])


def record_columns(archive: Archive, units: pl.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns of each unit's record up to its date: log counts of codes and last values; of both halves of its time.

    Returns:
        All, the first half (counts), and the second half (counts); NaN where a unit has no date, or nothing before it.
    """
    first = [
        events.filter(pl.col("code") != BIRTH).group_by("subject_id").agg(first=pl.col("time").min())
        for events in archive.event_batches()
    ]
    starts = pl.concat(first).group_by("subject_id").agg(pl.col("first").min())
    asked = units.select("subject_id", "time").with_row_index("row").join(starts, on="subject_id", how="left")
    middle = pl.col("first") + (pl.col("time") - pl.col("first")) / 2
    whole = seen_codes(archive, asked.select("row", "subject_id", "time"))
    early = seen_codes(archive, asked.select("row", "subject_id", time=middle))
    codes = whole.group_by("code").len().filter(pl.col("len") >= LEAST)["code"].sort().to_list()
    counts, before = (counts_of(seen, codes, rows=len(units)) for seen in (whole, early))
    after = np.log1p(np.expm1(counts) - np.expm1(before))
    values = values_of(whole, codes, rows=len(units))
    nothing = ~counts.any(1)
    tables = np.hstack([counts, values[:, np.isfinite(values).sum(0) >= LEAST]]), before, after
    for table in tables:
        table[nothing] = np.nan
    return tables


def earlier(data: Dataset, name: str, least: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Components of the newest observation, and of the one before, where enough units have two; and their rows."""
    observed = data.observations[name]
    if observed.slot.shape[1] < 2:
        return None
    twice = np.flatnonzero(observed.slot[:, 1] >= 0)
    if len(twice) < least:
        return None
    shifted = replace(observed, slot=observed.slot[:, 1:], when=observed.when[:, 1:])
    before = replace(data, observations={**data.observations, name: shifted})
    newest, older = (components(_columns(one, name)[twice]) for one in (data, before))
    return newest, older, twice


def _modalities(archive: Archive) -> dict[str, Modality]:
    """What columns can be made of; pictures of several types (sequences, light) are a modality each."""
    read = ModelSettings().modalities_of(archive)
    pictures = archive.table("images").filter(pl.col("kind") != MASK, pl.col("spacing").is_null())
    types = pictures["kind"].unique().sort().to_list()
    if len(types) > 1:
        read = {name: one for name, one in read.items() if name != Volume.called}
        read |= {name: Picture(source=name) for name in types}
    return {name: one for name, one in read.items() if not isinstance(one, Text | Signal)}


def _columns(data: Dataset, name: str) -> np.ndarray:
    return numbers(data, np.arange(len(data)), Columns(modality=name))[0]


def _width(data: Dataset, name: str) -> int:
    """Columns of a row of an image; of a table all."""
    values = data.observations[name].arrays.values
    return values.shape[-1] if values.ndim == 5 else int(np.prod(values.shape[1:]))


def _sides(values: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    left = np.arange(values.shape[1]) % width < width // 2
    return values[:, left], values[:, ~left]


def _classes(archive: Archive, outcome: str) -> int:
    """How many classes an outcome has, counted from 0."""
    most = archive.outcome(outcome)["value"].cast(pl.Float64).max()
    return min(CLASSES, max(2, int(most) + 1)) if isinstance(most, float) else 2
