"""The scale of the readings comes from the training units alone, and the manifest knows whose they were."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from semeia.data.augment import AugmentSettings
from semeia.data.crops import CropSettings
from semeia.data.dataset import Dataset, Observed, array_dataset
from semeia.data.modalities import Table, Volume
from semeia.data.modality import Arrays
from semeia.data.preprocessing import Preprocessing, fit_preprocessing, make_batch
from semeia.errors import InputError

CROP = CropSettings(voxels=(2, 4, 4), patch=(1, 2, 2))
TRAIN = np.arange(6)
BOTH = ("image", "reading")


def patients(seed: int = 0) -> Dataset:
    """Eight units of four patients; items b and c have gaps, the last two units lack an image."""
    rng = np.random.default_rng(seed)
    readings = rng.normal(5.0, 2.0, (8, 3)).astype(np.float32)
    readings[1, 1] = readings[7, 2] = np.nan
    subjects = [1, 1, 2, 2, 3, 3, 4, 4]
    units = pl.DataFrame({"unit_id": [f"u{row}" for row in range(8)], "subject_id": [f"p{s}" for s in subjects]})
    table = pl.DataFrame(readings, schema=["a", "b", "c"])
    data = array_dataset({"reading": (Table(), table)}, units=units)
    crops = Arrays(rng.integers(0, 256, (6, 1, 2, 4, 4), dtype=np.uint8), np.ones((6, 2), bool))
    slot = np.array([*range(6), -1, -1])[:, None]
    sha256 = tuple(f"{row:064x}"[::-1] for row in range(6))
    image = Observed(crops, slot, np.zeros((8, 1), np.float32), sha256)
    modalities = {"image": Volume(crop=CROP, network="patches"), **data.modalities}
    return replace(data, modalities=modalities, observations={"image": image, **data.observations})


def with_readings(data: Dataset, values: np.ndarray, names: tuple[str, ...] = ("a", "b", "c")) -> Dataset:
    arrays = Table().arrays(values, names)
    return replace(
        data, observations=data.observations | {"reading": replace(data.observations["reading"], arrays=arrays)}
    )


def readings_of(data: Dataset) -> np.ndarray:
    return data.observations["reading"].arrays.values


def fitted(data: Dataset) -> Preprocessing:
    return fit_preprocessing(data, TRAIN, modalities=BOTH)


def scaled(data: Dataset, rows: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """Standardised items, NaN where the batch marks none."""
    seen = make_batch(data, rows, preprocessing=preprocessing).modalities["reading"]
    return torch.where(seen.present, seen.values, torch.nan)[:, 0].numpy()


def test_training_units_are_standardised_and_gaps_stay_gaps():
    data = patients()
    values = scaled(data, TRAIN, fitted(data))
    np.testing.assert_allclose(np.nanmean(values, 0), 0, atol=1e-5)
    np.testing.assert_allclose(np.nanstd(values, 0), 1, atol=1e-5)
    assert np.isnan(values).tolist() == np.isnan(readings_of(data)[TRAIN]).tolist()


def test_other_units_change_nothing():
    data = patients()
    changed = with_readings(data, np.where(np.arange(8)[:, None] < 6, readings_of(data), 99.0).astype(np.float32))
    assert fitted(changed) == fitted(data)


def test_a_constant_item_becomes_0():
    data = patients()
    values = readings_of(data).copy()
    values[:, 0] = 4.0
    data = with_readings(data, values)
    assert not scaled(data, np.arange(8), fitted(data))[:, 0].any()


def test_items_are_found_by_name():
    data = patients()
    turned = with_readings(data, readings_of(data)[:, [2, 0]], ("c", "a"))
    values, expected = (scaled(each, TRAIN, fitted(data)) for each in (turned, data))
    np.testing.assert_array_equal(values[:, [0, 2]], expected[:, [0, 2]])
    assert np.isnan(values[:, 1]).all()


def test_patients_are_recognised_by_name_and_by_pixels():
    data = patients()
    seen = fitted(data).fitted_on
    assert seen.seen(data).tolist() == [True] * 6 + [False] * 2
    renamed = replace(
        data, units=data.units.with_columns(pl.lit("q").alias("pseudonym") + pl.col("subject_id").cast(str))
    )
    assert seen.seen(renamed).tolist() == [True] * 6 + [False] * 2
    # One known image is enough for all units of its patient; an image that is not there is nobody's.
    image = data.observations["image"]
    hashes = ("", image.sha256[0], *["f" * 64] * 4)
    other = replace(renamed, observations=renamed.observations | {"image": replace(image, sha256=hashes)})
    assert seen.seen(other).tolist() == [True] * 2 + [False] * 6
    assert not any("p1" in mark for mark in seen.patients)


def test_what_no_training_unit_has_is_refused():
    data = patients()
    values = readings_of(data).copy()
    values[:6, 1] = np.nan
    with pytest.raises(InputError, match="no value of b among the 6 training units"):
        fitted(with_readings(data, values))
    image = replace(data.observations["image"], slot=np.full((8, 1), -1))
    with pytest.raises(InputError, match="no image among the 6 training units"):
        fitted(replace(data, observations=data.observations | {"image": image}))
    with pytest.raises(InputError, match="no modality 'report'; the data have image, reading"):
        fit_preprocessing(data, TRAIN, modalities=("report",))


def test_other_crops_and_other_items_are_refused():
    data, preprocessing = patients(), fitted(patients())
    preprocessing.require_same(data)
    other = replace(data.modalities["image"], crop=replace(CROP, patch=(2, 2, 2)))
    with pytest.raises(InputError, match="the model reads volumes of 2 x 4 x 4 voxels"):
        preprocessing.require_same(replace(data, modalities=data.modalities | {"image": other}))
    with pytest.raises(InputError, match="have none of these"):
        preprocessing.require_same(with_readings(data, readings_of(data), ("x", "y", "z")))


def test_a_batch_has_what_there_is_of_its_rows():
    data, preprocessing = patients(), fitted(patients())
    batch = make_batch(data, np.array([7, 2]), preprocessing=preprocessing)
    assert batch.labels is None
    assert batch.observed().tolist() == [[False, True], [True, True]]
    assert batch.second == {}


def test_a_second_view_is_of_what_is_augmented_only():
    data, preprocessing = patients(), fitted(patients())
    made = [
        make_batch(
            data,
            TRAIN,
            preprocessing=preprocessing,
            augmentation=AugmentSettings(),
            generator=torch.Generator().manual_seed(1),
            views=views,
        )
        for views in (1, 2, 2)
    ]
    one, two, again = made
    assert list(two.second) == ["image"]
    assert torch.equal(one.modalities["image"].values, two.modalities["image"].values)
    assert torch.equal(two.second["image"].values, again.second["image"].values)
    assert not torch.equal(two.second["image"].values, two.modalities["image"].values)
    torch.testing.assert_close(two.modalities["reading"].values, one.modalities["reading"].values, equal_nan=True)


def test_data_that_hold_nothing_of_a_modality_are_read_without_it():
    """A model of image and reading scores an archive that has no reading, or no image."""
    data, preprocessing = patients(), fitted(patients())
    nothing = Arrays(np.zeros((0, 0), np.float32), np.zeros((0, 0), bool))
    none = Observed(nothing, np.full((8, 1), -1), np.zeros((8, 1), np.float32))
    blind = replace(data, observations=data.observations | {"image": none})
    preprocessing.require_same(blind)
    assert list(make_batch(blind, TRAIN, preprocessing=preprocessing).modalities) == ["reading"]
    empty = replace(data, observations={"image": none, "reading": none})
    with pytest.raises(InputError, match="no observation of image, reading"):
        make_batch(empty, TRAIN, preprocessing=preprocessing)
