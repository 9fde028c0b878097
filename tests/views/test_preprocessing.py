"""The scale of the readings comes from the training units alone, and the manifest knows whose they were."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from semeia.errors import InputError
from semeia.views.crops import CropSettings
from semeia.views.dataset import PatientData
from semeia.views.preprocessing import Preprocessing, fit_preprocessing

CROP = CropSettings(voxels=(2, 4, 4), patch=(1, 2, 2))
TRAIN = np.arange(6)


def patients(seed: int = 0) -> PatientData:
    """Eight units of four patients; items b and c have gaps, the last two units lack an image."""
    rng = np.random.default_rng(seed)
    readings = rng.normal(5.0, 2.0, (8, 3)).astype(np.float32)
    readings[1, 1] = readings[7, 2] = np.nan
    subjects = [1, 1, 2, 2, 3, 3, 4, 4]
    covered = np.ones((8, 2), bool)
    covered[6:] = False
    return PatientData(
        units=pl.DataFrame({"subject_id": subjects, "pseudonym": [f"p{subject}" for subject in subjects]}),
        voxels=rng.integers(0, 256, (8, 2, 4, 4), dtype=np.uint8),
        covered=covered,
        readings=readings,
        image_hash=[*(f"{row:064x}"[::-1] for row in range(6)), "", ""],
        crop=CROP,
        items=("a", "b", "c"),
    )


def fitted(data: PatientData) -> Preprocessing:
    return fit_preprocessing(data, TRAIN, modalities=("image", "reading"), geometry="patches")


def test_training_units_are_standardised_and_gaps_stay_gaps():
    data = patients()
    scaled = fitted(data).scaled_readings(data, TRAIN)
    np.testing.assert_allclose(np.nanmean(scaled, 0), 0, atol=1e-5)
    np.testing.assert_allclose(np.nanstd(scaled, 0), 1, atol=1e-5)
    assert np.isnan(scaled).tolist() == np.isnan(data.readings[TRAIN]).tolist()


def test_other_units_change_nothing():
    data = patients()
    changed = replace(data, readings=np.where(np.arange(8)[:, None] < 6, data.readings, 99.0).astype(np.float32))
    assert fitted(changed) == fitted(data)


def test_a_constant_item_becomes_0():
    data = patients()
    data.readings[:, 0] = 4.0
    assert not fitted(data).scaled_readings(data, np.arange(8))[:, 0].any()


def test_items_are_found_by_name():
    data = patients()
    turned = replace(data, readings=data.readings[:, [2, 0]], items=("c", "a"))
    scaled, expected = (fitted(data).scaled_readings(each, TRAIN) for each in (turned, data))
    np.testing.assert_array_equal(scaled[:, [0, 2]], expected[:, [0, 2]])
    assert np.isnan(scaled[:, 1]).all()


def test_patients_are_recognised_by_name_and_by_pixels():
    data = patients()
    seen = fitted(data).fitted_on
    assert seen.seen(data).tolist() == [True] * 6 + [False] * 2
    renamed = replace(
        data, units=data.units.with_columns(pl.lit("q").alias("pseudonym") + pl.col("subject_id").cast(str))
    )
    assert seen.seen(renamed).tolist() == [True] * 6 + [False] * 2
    # One known image is enough for all units of its patient; an image that is not there is nobody's.
    hashes = ["", data.image_hash[0], *["f" * 64] * 4, "", ""]
    assert seen.seen(replace(renamed, image_hash=hashes)).tolist() == [True] * 2 + [False] * 6
    assert not any("p1" in mark for mark in seen.patients)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.readings[:6, 1].fill(np.nan), "no reading of b among the 6 training units"),
        (lambda data: data.covered.fill(False), "no image among the 6 training units"),
    ],
)
def test_what_no_training_unit_has_is_refused(change: object, words: str):
    data = patients()
    change(data)
    with pytest.raises(InputError, match=words):
        fitted(data)


def test_other_crops_and_other_items_are_refused():
    data, preprocessing = patients(), fitted(patients())
    preprocessing.require_same(data, np.arange(len(data)))
    with pytest.raises(InputError, match="trained on crops"):
        preprocessing.require_same(replace(data, crop=replace(CROP, patch=(2, 2, 2))), np.arange(1))
    with pytest.raises(InputError, match="have none of these"):
        preprocessing.require_same(replace(data, items=("x", "y", "z")), np.arange(1))
