"""Hold units and what was observed of them, any modalities, ready to be cut into batches.

One class, two doors: `open_dataset` reads an archive (arrays are made once, kept by content, memory-mapped), and
`array_dataset` takes arrays from memory. Nothing here is fitted: that is data/preprocessing.py.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
import torch

from semeia.archive.store import Archive
from semeia.data.cache import cached_arrays
from semeia.data.modality import Arrays, History, Modality
from semeia.errors import InputError

MONTH = 365.25 * 24 * 3600 / 12  # seconds


@dataclass(frozen=True)
class Observed:
    """One modality of a dataset.

    Attributes:
        arrays: every observation once.
        slot: which observations each unit has, the newest first, [unit, visit]; -1: none.
        when: months before the unit's index date, float32 [unit, visit]; 0 where there are no dates.
        sha256: of each observation's content; empty where there are none.
        looks: perceptual hash of each image (archive/hashing.py); empty where there are none.
    """

    arrays: Arrays
    slot: np.ndarray
    when: np.ndarray
    sha256: tuple[str, ...] = ()
    looks: tuple[str, ...] = ()

    @property
    def there(self) -> np.ndarray:
        """Say which units have any of it, bool [unit]."""
        if not len(self.arrays):
            return np.zeros(len(self.slot), bool)
        something = np.asarray(self.arrays.mask.reshape(len(self.arrays), -1).any(1))
        return np.asarray((something[self.slot] & (self.slot >= 0)).any(1))

    def of_rows(self, rows: np.ndarray) -> np.ndarray:
        """List the observations of some units, each once, in the order of the units."""
        slots = self.slot[rows].reshape(-1)
        return slots[slots >= 0][np.sort(np.unique(slots[slots >= 0], return_index=True)[1])]


@dataclass(frozen=True)
class Sample:
    """One unit: its facts, and of each modality the observations [visit, ...] with the months before the index date."""

    unit: dict[str, object]
    values: dict[str, np.ndarray]
    when: dict[str, np.ndarray]


@dataclass(frozen=True)
class Dataset:
    """Units with their observations.

    Attributes:
        units: unit_id, subject_id, pseudonym, site, split and covariates, one row a unit.
        left_out: what the archive holds and no modality reads, in words, with the count.
    """

    units: pl.DataFrame
    modalities: dict[str, Modality]
    observations: dict[str, Observed]
    left_out: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.units.height

    def __getitem__(self, row: int) -> Sample:
        values, when = {}, {}
        for name, observed in self.observations.items():
            there = observed.slot[row] >= 0
            values[name] = np.asarray(observed.arrays.values[observed.slot[row][there]])
            when[name] = observed.when[row][there]
        return Sample(self.units.row(row, named=True), values, when)

    def __iter__(self) -> Iterator[Sample]:
        return (self[row] for row in range(len(self)))

    @property
    def subjects(self) -> np.ndarray:
        """The patient of each unit, int64 [unit]."""
        return self.units["subject_id"].to_numpy()

    def observed(self, name: str) -> np.ndarray:
        """Say which units have a modality, bool [unit]."""
        return self.observations[name].there if name in self.observations else np.zeros(len(self), bool)

    def something(self, names: tuple[str, ...]) -> np.ndarray:
        """Say which units have any of some modalities, bool [unit]."""
        return np.any([self.observed(name) for name in names], axis=0) if names else np.ones(len(self), bool)

    def take(self, rows: np.ndarray) -> "Dataset":
        """Take some units; their observations stay where they are."""
        observations = {
            name: replace(one, slot=one.slot[rows], when=one.when[rows]) for name, one in self.observations.items()
        }
        return replace(self, units=self.units[rows], observations=observations)


def open_dataset(
    archive: Archive,
    modalities: Mapping[str, Modality],
    *,
    cache: Path | None = None,
    units: pl.DataFrame | None = None,
) -> Dataset:
    """Read an archive.

    Args:
        cache: folder in which large arrays are kept by content; None keeps them in memory.
        units: rows of the table `units` (unit_id, subject_id, time, covariates); by default all that anything was
            observed of. An observation that names no unit belongs to every unit of its patient up to its index date.

    Raises:
        InputError: the archive has no such units.
    """
    settings = {name: modality.of_archive(archive) for name, modality in modalities.items()}
    found = {name: modality.find(archive) for name, modality in settings.items()}
    units = described_units(archive) if units is None else units
    if units.is_empty():
        raise InputError(f"{archive.path}: the archive has no units to predict on")
    people = archive.table("subjects").select("subject_id", "pseudonym", "site", "split")
    units = units.join(people, on="subject_id", how="left").sort("subject_id", "unit_id")
    left_out: dict[str, int] = {}
    observations = {}
    for name, modality in settings.items():
        slot, when = assign(found[name], units, modality.history)
        if unused := found[name].height - len(np.unique(slot[slot >= 0])):
            left_out[f"'{name}' observations beyond the {modality.history.most} newest of a unit, or of none"] = unused
        left_out |= {words: count for words, count in modality.left_out(archive).items() if count}
        arrays = cached_arrays(archive, modality, found[name], cache)
        sha256, looks = (
            tuple(found[name][column].fill_null("")) if column in found[name].columns else ()
            for column in ("sha256", "look")
        )
        observations[name] = Observed(arrays, slot, when, sha256, looks)
    return Dataset(units, settings, observations, left_out)


def described_units(archive: Archive) -> pl.DataFrame:
    """List the units; a whole patient counts where it was observed as such, not where it merely carries an outcome."""
    tables = [
        archive.table(name).select("unit_id", "subject_id") for name in ("images", "readings", "reports", "arrays")
    ]
    listed = pl.concat(tables).unique()
    of_unit = pl.col("unit_id").is_in(listed["unit_id"].drop_nulls().implode())
    of_patient = pl.col("subject_id").is_in(listed.filter(pl.col("unit_id").is_null())["subject_id"].implode())
    return archive.table("units").filter((pl.col("kind") != "patient") | of_unit | of_patient)


def assign(found: pl.DataFrame, units: pl.DataFrame, history: History) -> tuple[np.ndarray, np.ndarray]:
    """Give each unit its observations up to its index date, the newest first.

    Args:
        found: unit_id, subject_id, time; an observation of a unit belongs to it alone, one without to its patient. Of
            the latter one without a time is no one's who has an index date: it may have come after it.
        units: unit_id, subject_id, time (the index date; empty: no limit).

    Returns:
        slot, int64 [unit, visit], -1 where there is none, and when, float32 [unit, visit], in months.
    """
    rows = units.select("unit_id", "subject_id", pl.col("time").alias("index"), row=pl.int_range(pl.len()))
    listed = found.select("unit_id", "subject_id", "time", slot=pl.int_range(pl.len()))
    own = listed.filter(pl.col("unit_id").is_not_null()).join(rows.drop("subject_id"), on="unit_id")
    of_patient = listed.filter(pl.col("unit_id").is_null()).join(rows.drop("unit_id"), on="subject_id")
    of_patient = of_patient.filter(pl.col("time").is_not_null() | pl.col("index").is_null())
    pairs = pl.concat([part.select("row", "slot", "time", "index") for part in (own, of_patient)])
    before = (pl.col("index") - pl.col("time")).dt.total_seconds() / MONTH
    pairs = pairs.with_columns(when=before.fill_null(0.0)).filter(pl.col("when") >= 0)
    if history.months is not None:
        pairs = pairs.filter(pl.col("when") <= history.months)
    pairs = pairs.sort("row", "when", "slot").with_columns(visit=pl.int_range(pl.len()).over("row"))
    pairs = pairs.filter(pl.col("visit") < history.most)
    visits = int(pairs["visit"].max() or 0) + 1  # pyright: ignore[reportArgumentType]
    slot = np.full((units.height, visits), -1, np.int64)
    when = np.zeros((units.height, visits), np.float32)
    place = pairs["row"].to_numpy(), pairs["visit"].to_numpy()
    slot[place], when[place] = pairs["slot"].to_numpy(), pairs["when"].to_numpy()
    return slot, when


def array_dataset(modalities: Mapping[str, tuple[Modality, object]], *, units: pl.DataFrame | None = None) -> Dataset:
    """Take one observation a unit from memory.

    Args:
        modalities: for each name its settings and its array, the unit first: numpy, torch, or a pandas or polars frame
            of columns with names. NaN is what was not observed.
        units: unit_id, subject_id, and site, split, covariates where there are any; by default each row is a patient.

    Raises:
        InputError: arrays of different lengths, or of a shape that the settings do not fit.
    """
    settings: dict[str, Modality] = {}
    made: dict[str, Arrays] = {}
    for name, (modality, values) in modalities.items():
        plain, names = _plain(values)
        settings[name] = modality.of_values(plain)
        made[name] = settings[name].arrays(plain, names)
    lengths = {name: len(arrays) for name, arrays in made.items()} | ({} if units is None else {"units": units.height})
    if len(set(lengths.values())) != 1:
        raise InputError(f"a dataset needs one row a unit in each of: {lengths}")
    count = next(iter(lengths.values()))
    slot, when = np.arange(count)[:, None], np.zeros((count, 1), np.float32)
    observations = {name: Observed(arrays, slot, when) for name, arrays in made.items()}
    return Dataset(_facts(units, count), settings, observations)


def _plain(values: object) -> tuple[np.ndarray, tuple[str, ...]]:
    """Make a numpy array of what users hold; name its columns where it has any."""
    if isinstance(values, torch.Tensor):
        return values.numpy(force=True), ()
    names = tuple(str(column) for column in getattr(values, "columns", ()))
    plain = np.asarray(values)
    if plain.dtype == object and type(values).__module__.startswith("pandas"):
        # pandas keeps whole numbers with gaps as objects; texts stay texts.
        with suppress(TypeError, ValueError):
            plain = values.to_numpy(float, na_value=np.nan)  # pyright: ignore[reportAttributeAccessIssue]
    return plain, names


def _facts(units: pl.DataFrame | None, count: int) -> pl.DataFrame:
    """Fill in the columns that a dataset must have."""
    units = pl.DataFrame({"unit_id": [f"unit-{row}" for row in range(count)]}) if units is None else units
    if "subject_id" not in units.columns:
        units = units.with_columns(subject_id=pl.col("unit_id"))
    names = units["subject_id"].cast(pl.String)
    numbers = names.rank("dense").cast(pl.Int64) - 1
    empty = {name: pl.lit(None, pl.String) for name in ("site", "split") if name not in units.columns}
    return units.with_columns(pseudonym=names, subject_id=numbers, **empty)


def joined(one: Dataset, other: Dataset) -> Dataset:
    """Lay two datasets of the same modalities end to end; patients of the second are numbered after the first's."""
    first = int(one.units["subject_id"].max()) + 1  # pyright: ignore[reportArgumentType]
    moved = other.units.with_columns(pl.col("subject_id") + first)
    both = [name for name in one.observations if name in other.observations]
    observations = {name: _joined(one.observations[name], other.observations[name]) for name in both}
    left_out = {
        words: one.left_out.get(words, 0) + other.left_out.get(words, 0) for words in one.left_out | other.left_out
    }
    units = pl.concat([one.units, moved], how="diagonal_relaxed")
    return Dataset(units, {name: one.modalities[name] for name in both}, observations, left_out)


def _joined(one: Observed, other: Observed) -> Observed:
    visits = max(one.slot.shape[1], other.slot.shape[1])

    def wide(values: np.ndarray, empty: int) -> np.ndarray:
        return np.pad(values, ((0, 0), (0, visits - values.shape[1])), constant_values=empty)

    after = np.where(other.slot >= 0, other.slot + len(one.arrays), -1)

    def known(name: str) -> tuple[str, ...]:
        """Hashes of both; one of the two may have none, or no observation at all (and then arrays of no shape)."""
        mine, others = getattr(one, name), getattr(other, name)
        if not mine + others:
            return ()
        return (mine or ("",) * len(one.arrays)) + (others or ("",) * len(other.arrays))

    return Observed(
        _end_to_end(one.arrays, other.arrays),
        np.concatenate([wide(one.slot, -1), wide(after, -1)]),
        np.concatenate([wide(one.when, 0), wide(other.when, 0)]),
        known("sha256"),
        known("looks"),
    )


def _end_to_end(one: Arrays, other: Arrays) -> Arrays:
    """Join observations; columns are matched by their names, and one that a side lacks is missing there."""
    if not len(other) or not len(one):
        return one if len(one) else other
    if one.names != other.names:
        names = tuple(dict.fromkeys(one.names + other.names))
        filled = (arrays.named(names, np.arange(len(arrays))) for arrays in (one, other))
        one, other = (Arrays(values, ~np.isnan(values), names) for values in filled)
    if one.values.shape[1:] != other.values.shape[1:]:
        raise InputError(f"observations of {one.values.shape[1:]} and of {other.values.shape[1:]} do not join")
    parts = [(part.values, part.mask) for part in (one, other)]
    values, mask = (np.concatenate(list(each)) for each in zip(*parts, strict=True))
    return Arrays(values, mask, one.names)
