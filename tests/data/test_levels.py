"""A model says when the images it is given are brighter or darker than those it was trained on."""

import numpy as np

from semeia.data.crops import CropSettings
from semeia.data.modalities import Picture, Volume
from semeia.data.modality import Arrays
from semeia.settings_json import from_plain, to_plain

PICTURE = Picture(crop=CropSettings(voxels=(1, 8, 8), patch=(1, 4, 4)))


def pictures(mean: float, count: int = 60) -> Arrays:
    rng = np.random.default_rng(0)
    return PICTURE.arrays(rng.normal(mean, 20, (count, 8, 8)).clip(0, 255).astype(np.uint8))


def test_brighter_images_than_those_trained_on_are_said():
    fitted = PICTURE.fit(pictures(100), np.arange(60))
    low, high = fitted.fitted or (0, 0)
    assert 0.36 < low < 100 / 255 < high < 0.42
    assert fitted.unlike(pictures(100)) == fitted.unlike(pictures(108)) == ""
    words = fitted.unlike(pictures(180))
    assert words.startswith("100% of these images are darker or brighter (median 0.7")
    assert PICTURE.unlike(pictures(180)) == ""  # nothing was fitted


def test_only_the_training_images_are_looked_at_and_the_rest_changes_nothing():
    arrays = pictures(100)
    arrays.values[30:] = 255
    fitted = PICTURE.fit(arrays, np.arange(30))
    arrays.values[30:] = 0
    assert PICTURE.fit(arrays, np.arange(30)) == fitted


def test_it_is_kept_with_the_model_and_changes_no_stored_array():
    fitted = PICTURE.fit(pictures(100), np.arange(60))
    assert from_plain(Picture, to_plain(fitted)) == fitted
    assert fitted.key() == PICTURE.key()
    assert Volume().unlike(pictures(100)) == ""
