"""What every modality must do: a battery of checks, each a function of a case and an empty folder.

`write(draft, number, ...)` puts one observation into an archive, its content a function of the number.

Six patients have one unit each, with an index date. Patient 0 has two observations of one day and one after the index
date, 1 and 4 one that belongs to the unit, 2 two of different years, 3 none, 5 one of the patient.
"""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semeia.archive import Archive, open_archive, writing
from semeia.data.augment import AugmentSettings
from semeia.data.batch import Batch, Seen
from semeia.data.cache import cached_arrays
from semeia.data.dataset import Dataset, array_dataset, open_dataset
from semeia.data.modalities import Table
from semeia.data.modality import History, Modality
from semeia.data.preprocessing import Preprocessing, fit_preprocessing, make_batch
from semeia.encoders.build import EMBEDDINGS, build_encoder
from semeia.encoders.patient import EncoderSettings
from semeia.settings_json import from_plain, to_plain

INDEX = dt.datetime(2020, 6, 1, 12)
TRAIN = np.array([0, 1, 2])
NAME = "it"
SIZE = EncoderSettings(dim=16, depth=1, heads=2)


@dataclass(frozen=True)
class Case:
    """A modality, how an observation of it is written, and one with a setting that changes what is read.

    Attributes:
        modality: settings.
        write: takes a draft, a number, and subject_id, unit_id and time by name.
        other: reads other arrays.
        held: what a user of arrays holds of some observations, from `Arrays.values`.
    """

    modality: Modality
    write: Callable[..., None]
    other: Modality
    held: Callable[[np.ndarray], object] = lambda values: values


def days(count: float) -> dt.datetime:
    return INDEX + dt.timedelta(days=count)


def archive_of(
    case: Case, folder: Path, *, others: int = 0, future: tuple[float, ...] = (10.0,), none: bool = False
) -> Archive:
    """The six patients; with `others`, the contents of patients 3 and later are other ones."""
    with writing(folder, source="test") as draft:
        for place in range(6):
            subject, name = draft.subject(f"CANARY-{place}", site="north", split=None)
            unit = draft.unit(f"{name}/u", subject, "visit", time=INDEX)
            draft.reading(unit, subject, reader="input", item="age", value=50 + place)
            draft.outcome("ill", unit, subject, value=place % 2)
            if none:
                continue
            number = place + (others if place >= 3 else 0)
            of_unit = {"subject_id": subject, "unit_id": unit, "time": INDEX}
            of_patient = {"subject_id": subject, "unit_id": None}
            if place == 0:
                case.write(draft, 10, **of_patient, time=days(-5))
                case.write(draft, 11, **of_patient, time=days(-5.125))
                for late, day in enumerate(future):
                    case.write(draft, 900 + late, **of_patient, time=days(day))
            elif place == 2:
                case.write(draft, 12, **of_patient, time=days(-3))
                case.write(draft, 13, **of_patient, time=days(-400))
            elif place == 5:
                case.write(draft, number, **of_patient, time=days(-30))
            elif place != 3:
                case.write(draft, number, **of_unit)
    return open_archive(folder)


def opened(case: Case, archive: Archive, **options: object) -> Dataset:
    return open_dataset(archive, {NAME: case.modality, "age": Table()}, **options)  # pyright: ignore[reportArgumentType]


def fitted(data: Dataset) -> Preprocessing:
    return fit_preprocessing(data, TRAIN, modalities=(NAME, "age"))


def same(one: Seen, other: Seen) -> bool:
    """To the bit, where anything is present."""
    if one.present.shape != other.present.shape or not torch.equal(one.present, other.present):
        return False
    there = one.present.any(2)
    pairs = ((getattr(one, name)[there], getattr(other, name)[there]) for name in ("values", "where", "when"))
    return all(torch.equal(*(part.double().nan_to_num(0.5) for part in pair)) for pair in pairs)


def shapes_agree(case: Case, folder: Path) -> None:
    data = opened(case, archive_of(case, folder / "a"))
    arrays = data.observations[NAME].arrays
    assert len(arrays) == len(arrays.values) == 8
    assert arrays.mask.dtype == bool
    preprocessing = fitted(data)
    modality = preprocessing.modalities[NAME]
    chosen = np.array([4, 0, 6])
    values, mask = modality.prepare(arrays, chosen)
    assert len(values) == len(mask) == 3
    present = modality.present(mask)
    assert modality.places(present.shape[1]).shape == (present.shape[1], 3)
    drawn = torch.Generator().manual_seed(0)
    moved, moved_mask = modality.augment(values, mask, stage=AugmentSettings(), generator=drawn)
    assert (moved.shape, moved.dtype, moved_mask.shape) == (values.shape, values.dtype, mask.shape)
    seen = make_batch(data, np.arange(6), preprocessing=preprocessing).modalities[NAME]
    assert seen.values.shape == (6, 2, *values.shape[1:])
    assert seen.present.shape == (6, 2, present.shape[1])
    assert seen.where.shape == (6, 2, present.shape[1], 3)
    assert seen.when.shape == (6, 2)
    assert seen.observed.tolist() == [True, True, True, False, True, True]
    tokens = EMBEDDINGS[modality.embedding](16, modality=modality)(values, present)
    assert tokens.shape == (*present.shape, 16)


def fitting_sees_training_units_only(case: Case, folder: Path) -> None:
    one, other = (opened(case, archive_of(case, folder / str(others), others=others)) for others in (0, 100))
    assert fitted(one).modalities == fitted(other).modalities
    late = make_batch(one, np.array([4]), preprocessing=fitted(one)).modalities[NAME]
    assert not same(late, make_batch(other, np.array([4]), preprocessing=fitted(other)).modalities[NAME])


def json_gives_it_back(case: Case, folder: Path) -> None:
    preprocessing = fitted(opened(case, archive_of(case, folder / "a")))
    again = from_plain(Preprocessing, json.loads(json.dumps(to_plain(preprocessing))))
    assert again == preprocessing
    assert type(again.modalities[NAME]) is type(case.modality)
    assert "CANARY" not in json.dumps(to_plain(preprocessing))


def masking_is_deleting_and_padding_is_nothing(case: Case, folder: Path) -> None:
    data = opened(case, archive_of(case, folder / "a"))
    preprocessing = fitted(data)
    encoder = build_encoder(SIZE, preprocessing, seed=0).eval()
    batch = make_batch(data, np.arange(6), preprocessing=preprocessing)

    def pooled(given: Batch) -> torch.Tensor:
        return encoder.pool(encoder(given))[0]

    deleted = Batch({"age": batch.modalities["age"]})
    assert torch.equal(pooled(batch.without(NAME)), pooled(deleted))
    assert (pooled(batch) - pooled(deleted))[[0, 1, 2, 4, 5]].abs().amax((1, 2)).min() > 1e-4
    torch.testing.assert_close(pooled(batch)[3], pooled(deleted)[3], atol=1e-6, rtol=1e-5)
    seen = batch.modalities[NAME]
    empty = torch.full_like(seen.values, torch.nan) if seen.values.is_floating_point() else seen.values + 1
    padded = Seen(
        torch.cat([seen.values, empty], 1),
        torch.cat([seen.present, torch.zeros_like(seen.present)], 1),
        torch.cat([seen.where, seen.where], 1),
        torch.cat([seen.when, seen.when + 7], 1),
    )
    assert torch.equal(pooled(replace(batch, modalities={**batch.modalities, NAME: padded})), pooled(batch))


def the_future_is_never_read(case: Case, folder: Path) -> None:
    before = opened(case, archive_of(case, folder / "before", future=()))
    preprocessing = fitted(before)
    expected = make_batch(before, np.arange(6), preprocessing=preprocessing).modalities[NAME]
    count = iter(range(1000))

    @settings(max_examples=4, deadline=None, derandomize=True, database=None)
    @given(later=st.lists(st.integers(1, 3 * 365 * 24 * 60), min_size=1, max_size=3, unique=True))
    def check(later: list[int]) -> None:
        future = tuple(minutes / (24 * 60) for minutes in later)
        after = opened(case, archive_of(case, folder / f"after-{next(count)}", future=future))
        assert fitted(after).modalities == preprocessing.modalities
        assert same(make_batch(after, np.arange(6), preprocessing=preprocessing).modalities[NAME], expected)

    check()


def two_of_one_day_stay_two(case: Case, folder: Path) -> None:
    data = opened(case, archive_of(case, folder / "a"))
    seen = make_batch(data, np.array([0]), preprocessing=fitted(data)).modalities[NAME]
    assert seen.present.any(2).tolist() == [[True, True]]
    newest, older = seen.values[0]
    assert not torch.equal(newest.nan_to_num() if newest.is_floating_point() else newest, older)
    assert 0 < float(seen.when[0, 0]) < float(seen.when[0, 1]) < 0.2
    when = make_batch(data, np.array([2]), preprocessing=fitted(data)).modalities[NAME].when[0]
    np.testing.assert_allclose(when, [3 * 12 / 365.25, 400 * 12 / 365.25], rtol=1e-4)


def history_says_how_much_is_read(case: Case, folder: Path) -> None:
    archive = archive_of(case, folder / "a")
    for history, visits in ((History(most=1), 1), (History(months=1.0), 2), (History(months=0.1), 1)):
        short = replace(case, modality=replace(case.modality, history=history))
        assert opened(short, archive).observations[NAME].slot.shape[1] == visits
    recent = opened(replace(case, modality=replace(case.modality, history=History(months=1.0))), archive)
    assert (recent.observations[NAME].slot[2] >= 0).sum() == 1


def two_views_differ_where_it_is_augmented(case: Case, folder: Path) -> None:
    data = opened(case, archive_of(case, folder / "a"))
    generators = [torch.Generator().manual_seed(seed) for seed in (0, 0, 1)]
    asked = {"preprocessing": fitted(data), "augmentation": AugmentSettings(), "views": 2}
    one, again, other = (make_batch(data, np.arange(6), generator=generator, **asked) for generator in generators)
    assert (NAME in one.second) == case.modality.augmented
    assert same(one.modalities[NAME], again.modalities[NAME])
    if case.modality.augmented:
        assert not same(one.modalities[NAME], one.second[NAME])
        assert same(one.second[NAME], again.second[NAME])
        assert not same(one.modalities[NAME], other.modalities[NAME])


def a_cache_gives_the_same(case: Case, folder: Path) -> None:
    archive = archive_of(case, folder / "a")
    fresh = opened(case, archive).observations[NAME].arrays
    cache = folder / "cache"

    def kept(modality: Modality = case.modality) -> None:
        modality = modality.of_archive(archive)
        arrays = cached_arrays(archive, modality, modality.find(archive), cache)
        assert np.array_equal(arrays.values, fresh.values, equal_nan=arrays.values.dtype.kind == "f")
        assert np.array_equal(arrays.mask, fresh.mask)
        assert arrays.names == fresh.names

    cache.mkdir()
    kept()
    files = sorted(cache.iterdir())
    assert bool(files) == type(case.modality).large
    stamps = [file.stat().st_mtime_ns for file in files]
    kept()
    kept(replace(case.modality, history=History(most=1)))
    assert [file.stat().st_mtime_ns for file in files] == stamps
    for file in files:
        for size in (0, 20, file.stat().st_size - 7):
            file.write_bytes(file.read_bytes()[:size])
            kept()
        assert file.stat().st_size > 20
    if files:
        other = case.other.of_archive(archive)
        cached_arrays(archive, other, other.find(archive), cache)
        kept()


def arrays_from_memory_give_the_same_batch(case: Case, folder: Path) -> None:
    data = opened(case, archive_of(case, folder / "a"))
    rows = np.array([0, 1, 2, 4, 5])
    observed = data.observations[NAME]
    arrays, newest = observed.arrays, observed.slot[rows, 0]
    values = case.held(np.asarray(arrays.values)[newest])
    if arrays.names:
        values = pl.DataFrame(values, schema=list(arrays.names))
    memory = array_dataset({NAME: (case.modality, values)})
    own, every = memory.observations[NAME].arrays, np.arange(5)
    fit, settings_there = data.modalities[NAME].fit(arrays, newest), memory.modalities[NAME].fit(own, every)
    of_archive, of_memory = fit.prepare(arrays, newest), settings_there.prepare(own, every)
    for one, other in zip(of_archive, of_memory, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(fit.present(of_archive[1]), settings_there.present(of_memory[1]))


def the_key_says_what_is_read(case: Case, folder: Path) -> None:
    archive = archive_of(case, folder / "a")
    plain = case.modality.of_archive(archive)
    assert plain.key() != case.other.of_archive(archive).key()
    assert replace(plain, source="another").key() != plain.key()
    assert replace(plain, history=History(most=3, months=2.0)).key() == plain.key()
    assert fitted(opened(case, archive)).modalities[NAME].key() == plain.key()


def an_archive_without_it_is_no_error(case: Case, folder: Path) -> None:
    preprocessing = fitted(opened(case, archive_of(case, folder / "a")))
    without = opened(case, archive_of(case, folder / "none", none=True))
    assert not len(without.observations[NAME].arrays)
    assert not without.observed(NAME).any()
    batch = make_batch(without, np.arange(6), preprocessing=preprocessing)
    assert list(batch.modalities) == ["age"]


CHECKS: tuple[Callable[[Case, Path], None], ...] = (
    shapes_agree,
    fitting_sees_training_units_only,
    json_gives_it_back,
    masking_is_deleting_and_padding_is_nothing,
    the_future_is_never_read,
    two_of_one_day_stay_two,
    history_says_how_much_is_read,
    two_views_differ_where_it_is_augmented,
    a_cache_gives_the_same,
    arrays_from_memory_give_the_same_batch,
    the_key_says_what_is_read,
    an_archive_without_it_is_no_error,
)
