"""An archive becomes observations in the order of its units, missing things marked; and these become batches."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lidc_folder import write_lidc_folder
from semeia.archive import Archive, open_archive, writing
from semeia.data.augment import AugmentSettings
from semeia.data.crops import CropSettings, crop_image
from semeia.data.dataset import MONTH, Dataset, array_dataset, assign, joined, open_dataset
from semeia.data.modalities import Picture, Table, Text, Vector, Volume
from semeia.data.modality import History
from semeia.data.preprocessing import fit_preprocessing, make_batch
from semeia.errors import InputError
from semeia.readers import ingest_nodules

CROP = CropSettings(voxels=(8, 8, 8), voxel_mm=(2.5, 2.0, 2.0), patch=(2, 2, 2))
BOTH = ("image", "reading")
MODALITIES = {"image": Volume(crop=CROP), "reading": Table()}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder = tmp_path_factory.mktemp("lidc")
    ingest_nodules(write_lidc_folder(folder / "source", 4, dx=True), into=folder / "archive")
    return open_archive(folder / "archive")


@pytest.fixture(scope="module")
def data(archive: Archive) -> Dataset:
    return open_dataset(archive, MODALITIES)


def test_units_come_in_order_of_subjects_without_whole_patients(archive: Archive, data: Dataset):
    assert len(data) == 8
    assert data.units["subject_id"].to_list() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert set(data.units["kind"]) == {"nodule"}
    assert data.units["pseudonym"].n_unique() == archive.table("subjects").height


def test_the_crop_of_a_unit_is_that_of_its_img8(archive: Archive, data: Dataset):
    images = archive.table("images").filter(kind="img8")
    observed = data.observations["image"]
    for row, unit in enumerate(data.units["unit_id"]):
        image = images.filter(unit_id=unit).row(0, named=True)
        made = crop_image(archive.pixels(image), image["spacing"], intensity=image["intensity"], settings=CROP)
        place = observed.slot[row, 0]
        np.testing.assert_allclose(observed.arrays.values[place] / 255, made.voxels, atol=0.5 / 255 + 1e-6)
        assert np.array_equal(observed.arrays.mask[place], made.covered)
        assert observed.sha256[place] == image["sha256"]
        np.testing.assert_array_equal(data[row].values["image"][0], observed.arrays.values[place])
    assert data.observed("image").all()


def test_readings_are_the_input_readers_items_and_never_its_opinion(archive: Archive, data: Dataset):
    arrays = data.observations["reading"].arrays
    assert list(arrays.names) == sorted(arrays.names)
    assert len(arrays.names) == 8
    assert "malignancy" not in arrays.names
    readings = archive.table("readings").filter(reader="input")
    for row, unit in enumerate(data.units["unit_id"]):
        for place, item in enumerate(arrays.names):
            expected = readings.filter(pl.col("item") == item, unit_id=unit)["value"].item()
            assert data[row].values["reading"][0, place] == expected


def test_what_was_fitted_on_an_archive_reads_arrays_and_the_other_way_round(archive: Archive, data: Dataset):
    observed = data.observations["image"]
    values = observed.arrays.values[observed.slot[:, 0]]
    memory = array_dataset({"image": (Volume(crop=CROP), values)})
    for one, other in ((data, memory), (memory, data)):
        preprocessing = fit_preprocessing(one, np.arange(4), modalities=("image",))
        preprocessing.require_same(other)
    other = array_dataset({"image": (Volume(crop=CROP, source="hu"), values)})
    with pytest.raises(InputError, match="the data were read as"):
        fit_preprocessing(data, np.arange(4), modalities=("image",)).require_same(other)


@pytest.mark.parametrize("network", ["rings", "patches"])
def test_a_batch_follows_the_rows_asked_for(archive: Archive, network: str):
    data = open_dataset(archive, {"image": Volume(crop=CROP, network=network), "reading": Table()})  # pyright: ignore[reportArgumentType]
    preprocessing = fit_preprocessing(data, np.arange(8), modalities=BOTH)
    rows = np.array([5, 0, 3])
    batch = make_batch(data, rows, preprocessing=preprocessing)
    assert len(batch) == 3
    observed = data.observations["image"]
    expected = observed.arrays.values[observed.slot[rows, 0]]
    np.testing.assert_allclose(batch.modalities["image"].values[:, 0].numpy() * 255, expected, atol=1e-4)
    assert batch.modalities["image"].observed.all()
    reading = batch.modalities["reading"]
    assert reading.present.all()
    assert reading.where[0, 0, :, 0].tolist() == list(range(8))
    moved = make_batch(
        data,
        rows,
        preprocessing=preprocessing,
        augmentation=AugmentSettings(),
        generator=torch.Generator().manual_seed(0),
    )
    assert not torch.equal(moved.modalities["image"].values, batch.modalities["image"].values)
    assert torch.equal(moved.modalities["reading"].values, reading.values)


def test_an_archive_without_units_is_refused(archive: Archive, monkeypatch: pytest.MonkeyPatch):
    table = archive.table
    monkeypatch.setattr(archive, "table", lambda name: table(name).clear() if name == "units" else table(name))
    with pytest.raises(InputError, match="no units to predict on"):
        open_dataset(archive, MODALITIES)


# ---- visits

DAY = dt.datetime(2020, 3, 1)


def days(count: float | None) -> dt.datetime | None:
    return None if count is None else DAY + dt.timedelta(days=count)


def listed(*entries: tuple[str | None, int, float | None]) -> pl.DataFrame:
    schema = {"unit_id": pl.String, "subject_id": pl.Int64, "time": pl.Datetime("us")}
    return pl.DataFrame([(unit, subject, days(day)) for unit, subject, day in entries], schema, orient="row")


def test_a_unit_has_its_own_observations_and_those_of_its_patient_up_to_its_index_date():
    units = listed(("a", 1, 0), ("b", 1, 100), ("c", 2, None))
    found = listed(
        (None, 1, -30), (None, 1, 50), ("a", 1, 0), (None, 2, 7), ("b", 1, 120), ("b", 1, 100), (None, 1, None)
    )
    slot, when = assign(found, units, History())
    assert slot.tolist() == [[2, 0, -1], [5, 1, 0], [3, -1, -1]]
    month = 24 * 3600 / MONTH
    np.testing.assert_allclose(when, [[0, 30 * month, 0], [0, 50 * month, 130 * month], [0, 0, 0]], rtol=1e-6)


def test_what_has_no_date_belongs_to_its_unit_but_not_to_any_date_of_its_patient():
    units = listed(("dated", 1, 0), ("undated", 1, None))
    slot, _ = assign(listed(("dated", 1, None), (None, 1, None)), units, History())
    assert slot.tolist() == [[0], [1]]


def test_history_says_how_many_and_how_far_back():
    units = listed(("a", 1, 0))
    found = listed(*((None, 1, -10 * visit) for visit in range(6)))
    assert assign(found, units, History(most=2))[0].tolist() == [[0, 1]]
    assert assign(found, units, History(months=0.7))[0].tolist() == [[0, 1, 2]]
    assert assign(found, units, History(months=0.0))[0].tolist() == [[0]]
    for wrong in ({"most": 0}, {"months": -1.0}):
        with pytest.raises(InputError, match="history"):
            History(**wrong)  # pyright: ignore[reportArgumentType]


@settings(max_examples=60, deadline=None)
@given(
    times=st.lists(st.one_of(st.none(), st.integers(-400, 400)), max_size=8),
    index=st.lists(st.one_of(st.none(), st.integers(-200, 200)), min_size=1, max_size=4),
    most=st.integers(1, 4),
)
def test_assigning_equals_a_loop_over_units(times: list[int | None], index: list[int | None], most: int):
    units = listed(*((f"u{row}", 1, day) for row, day in enumerate(index)))
    slot, when = assign(listed(*((None, 1, day) for day in times)), units, History(most=most))
    for row, day in enumerate(index):
        ages = [
            (0 if time is None or day is None else day - time, place)
            for place, time in enumerate(times)
            if day is None or (time is not None and time <= day)
        ]
        chosen = sorted(ages)[:most]
        assert slot[row][slot[row] >= 0].tolist() == [place for _, place in chosen]
        expected = [age * 24 * 3600 / MONTH for age, _ in chosen]
        np.testing.assert_allclose(when[row][: len(chosen)], expected, rtol=1e-5)


# ---- arrays from memory


def test_arrays_of_any_library_make_the_same_dataset():
    import pandas as pd

    values = np.array([[1.0, np.nan], [3.0, 4.0], [5.0, 6.0]], np.float32)
    holders = [
        values,
        torch.from_numpy(values),
        pd.DataFrame(values, columns=["item0", "item1"]),
        pd.DataFrame({"item0": [1, 3, 5], "item1": pd.array([None, 4, 6], dtype="Int64")}),
        pl.DataFrame({"item0": [1, 3, 5], "item1": [None, 4, 6]}),
    ]
    for held in holders:
        data = array_dataset({"reading": (Table(), held)})
        arrays = data.observations["reading"].arrays
        np.testing.assert_array_equal(arrays.values, values)
        assert arrays.names == ("item0", "item1")
        assert arrays.mask.tolist() == [[True, False], [True, True], [True, True]]
        assert data.units["subject_id"].to_list() == [0, 1, 2]
        assert set(data.units.columns) >= {"unit_id", "subject_id", "pseudonym", "site", "split"}


def test_texts_and_colours_from_memory():
    import pandas as pd

    frame = pd.DataFrame({"report": ["no effusion", None, float("nan"), "effusion"]})
    texts = array_dataset({"report": (Text(), frame)})
    assert texts.observed("report").tolist() == [True, False, False, True]
    crop = CropSettings(voxels=(1, 4, 4), patch=(1, 2, 2))
    coloured = np.random.default_rng(0).integers(0, 256, (4, 4, 4, 3), dtype=np.uint8)
    data = array_dataset({"photo": (Picture(crop=crop), coloured)})
    assert data.modalities["photo"].colours == 3  # pyright: ignore[reportAttributeAccessIssue]
    batch = make_batch(data, np.arange(4), preprocessing=fit_preprocessing(data, np.arange(4), modalities=("photo",)))
    np.testing.assert_allclose(
        batch.modalities["photo"].values[:, 0, :, 0] * 255, np.moveaxis(coloured, 3, 1), atol=1e-3
    )


@pytest.mark.parametrize(
    ("modality", "values", "words"),
    [
        (Table(), np.array([["a", "b"]]), "holds numbers only"),
        (Table(), np.zeros(3), "expected its items"),
        (Volume(crop=CROP), np.zeros((2, 4, 4, 4), np.uint8), "do not fit"),
        (Volume(crop=CROP), np.full((2, 8, 8, 8), 7.0), "numbers from 0 to 1"),
        (Volume(crop=CROP), np.zeros((2, 8, 8, 8), np.int16), "numbers from 0 to 1"),
        (Vector(source="v"), np.zeros(3), "expected features"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(modality: object, values: np.ndarray, words: str):
    with pytest.raises(InputError, match=words):
        array_dataset({"it": (modality, values)})  # pyright: ignore[reportArgumentType]


def test_arrays_of_other_lengths_are_refused():
    with pytest.raises(InputError, match="one row a unit"):
        array_dataset({"a": (Table(), np.zeros((3, 1))), "b": (Table(), np.zeros((2, 1)))})


def test_joined_datasets_match_columns_by_name_and_number_patients_on():
    one = array_dataset({"reading": (Table(), pl.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}))})
    other = array_dataset({"reading": (Table(), pl.DataFrame({"c": [9.0], "a": [8.0]}))})
    both = joined(one, other)
    assert both.units["subject_id"].to_list() == [0, 1, 2]
    arrays = both.observations["reading"].arrays
    assert arrays.names == ("a", "b", "c")
    np.testing.assert_array_equal(arrays.values, [[1, 3, np.nan], [2, 4, np.nan], [8, np.nan, 9]])
    assert both.observations["reading"].slot[:, 0].tolist() == [0, 1, 2]


def test_whole_patients_count_where_anything_was_observed_of_them(tmp_path: Path):
    with writing(tmp_path / "archive", source="test") as draft:
        for place in range(4):
            subject, name = draft.subject(f"CANARY-{place}", site="north", split=None)
            unit = draft.unit(name, subject, "patient", time=DAY)
            draft.outcome("ill", unit, subject, value=place % 2)
            if place == 0:
                draft.array(np.ones(3), modality="features", subject_id=subject, unit_id=unit)
            elif place == 1:
                draft.array(np.ones(3), modality="features", subject_id=subject, time=DAY)
            elif place == 2:
                draft.report(unit, subject, text="no effusion")
    data = open_dataset(open_archive(tmp_path / "archive"), {"features": Vector(source="features"), "report": Text()})
    assert len(data) == 3
    assert data.observed("features").tolist() == [True, True, False]
    assert data.observed("report").tolist() == [False, False, True]
