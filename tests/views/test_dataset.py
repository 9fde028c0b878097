"""An archive becomes arrays in the order of its units, missing things marked; and these become views."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from lidc_folder import write_lidc_folder
from semeia.archive import Archive, open_archive
from semeia.errors import InputError
from semeia.readers import ingest_nodules
from semeia.views.augment import AugmentSettings
from semeia.views.batch import views_of
from semeia.views.crops import CropSettings, crop_image
from semeia.views.dataset import ImageCounts, PatientData, load_patient_data
from semeia.views.preprocessing import fit_preprocessing

CROP = CropSettings(voxels=(8, 8, 8), voxel_mm=(2.5, 2.0, 2.0), patch=(2, 2, 2))
BOTH = ("image", "reading")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder = tmp_path_factory.mktemp("lidc")
    ingest_nodules(write_lidc_folder(folder / "source", 4, dx=True), into=folder / "archive")
    return open_archive(folder / "archive")


@pytest.fixture(scope="module")
def data(archive: Archive) -> PatientData:
    return load_patient_data(archive, crop=CROP)


def test_units_come_in_order_of_subjects_without_whole_patients(archive: Archive, data: PatientData):
    assert len(data) == 8
    assert data.units["subject_id"].to_list() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert set(data.units["kind"]) == {"nodule"}
    assert data.units["pseudonym"].n_unique() == archive.table("subjects").height


def test_the_crop_of_a_unit_is_that_of_its_img8(archive: Archive, data: PatientData):
    images = archive.table("images").filter(kind="img8")
    for row, unit in enumerate(data.units["unit_id"]):
        image = images.filter(unit_id=unit).row(0, named=True)
        made = crop_image(archive.pixels(image), image["spacing"], intensity=image["intensity"], settings=CROP)
        np.testing.assert_allclose(data.voxels[row] / 255, made.voxels, atol=0.5 / 255 + 1e-6)
        assert np.array_equal(data.covered[row], made.covered)
        assert data.image_hash[row] == image["sha256"]
    assert data.observed("image").all()


def test_readings_are_the_input_readers_items_and_never_its_opinion(archive: Archive, data: PatientData):
    assert list(data.items) == sorted(data.items)
    assert len(data.items) == 8
    assert "malignancy" not in data.items
    readings = archive.table("readings").filter(reader="input")
    for row, unit in enumerate(data.units["unit_id"]):
        for place, item in enumerate(data.items):
            assert data.readings[row, place] == readings.filter(pl.col("item") == item, unit_id=unit)["value"].item()


def test_a_cache_gives_the_same_crops(archive: Archive, data: PatientData, tmp_path: Path):
    first = load_patient_data(archive, crop=CROP, cache=tmp_path)
    again = load_patient_data(archive, crop=CROP, cache=tmp_path)
    for kept in (first, again):
        assert np.array_equal(kept.voxels, data.voxels)
        assert np.array_equal(kept.covered, data.covered)
    other = CropSettings(voxels=(8, 8, 8), patch=(2, 2, 2))
    assert not np.array_equal(load_patient_data(archive, crop=other, cache=tmp_path).voxels, data.voxels)


@pytest.mark.parametrize("spoilt", ["cut short", "empty", "of others", "pickled"])
def test_a_spoilt_cache_is_made_again(archive: Archive, data: PatientData, tmp_path: Path, spoilt: str):
    load_patient_data(archive, crop=CROP, cache=tmp_path)
    for path in tmp_path.glob("*.npy"):
        if spoilt == "cut short":
            path.write_bytes(path.read_bytes()[:-1])
        elif spoilt == "empty":
            path.write_bytes(b"")
        else:
            other = np.zeros(3) if spoilt == "of others" else np.array([{}], object)
            np.save(path, other, allow_pickle=True)
    for _ in range(2):  # made again, then read again
        again = load_patient_data(archive, crop=CROP, cache=tmp_path)
        assert np.array_equal(again.voxels, data.voxels)
        assert np.array_equal(again.covered, data.covered)


@pytest.mark.parametrize("geometry", ["rings", "patches"])
def test_views_follow_the_rows_asked_for(data: PatientData, geometry: str):
    preprocessing = fit_preprocessing(data, np.arange(8), modalities=BOTH, geometry=geometry)
    rows = np.array([5, 0, 3])
    views = views_of(data, rows, preprocessing=preprocessing)
    assert len(views) == 3
    np.testing.assert_allclose(views.modalities["image"].values.numpy() * 255, data.voxels[rows], atol=1e-4)
    assert views.modalities["image"].present.any(1).all()
    reading = views.modalities["reading"]
    assert reading.present.all()
    assert reading.where[0, :, 0].tolist() == list(range(8))
    moved = views_of(
        data,
        rows,
        preprocessing=preprocessing,
        augmentation=AugmentSettings(),
        generator=torch.Generator().manual_seed(0),
    )
    assert not torch.equal(moved.modalities["image"].values, views.modalities["image"].values)
    assert torch.equal(moved.modalities["reading"].values, reading.values)


def test_an_archive_without_units_is_refused(archive: Archive, monkeypatch: pytest.MonkeyPatch):
    table = archive.table
    monkeypatch.setattr(archive, "table", lambda name: table(name).clear() if name == "units" else table(name))
    with pytest.raises(InputError, match="no units to predict on"):
        load_patient_data(archive, crop=CROP)


def test_what_is_not_read_of_the_images_is_counted(data: PatientData):
    """Each nodule has 8-bit slices, some have Hounsfield units, too; the network reads the former."""
    assert data.counts is not None
    assert (data.counts.images, data.counts.read, data.counts.further) == (12, 8, 0)
    assert data.counts.other_types == {"volumes in Hounsfield units": 4}
    assert set(data.image_types) == {"volumes with each slice stretched on its own"}
    (words,) = data.counts.left_out()
    assert words.startswith("4 of 12 images are not read: volumes in Hounsfield units (what is read: volumes with each")


def test_images_of_the_types_asked_for_are_read(archive: Archive):
    hu = load_patient_data(archive, crop=CROP, types=("volumes in Hounsfield units",))
    images = archive.table("images").filter(kind="hu")
    hashes = dict(images.select("unit_id", "sha256").iter_rows())
    assert hu.image_hash == [hashes.get(unit, "") for unit in hu.units["unit_id"]]
    assert set(hu.image_types) == {"volumes in Hounsfield units", ""}
    none = load_patient_data(archive, crop=CROP, types=("pictures",))
    assert not none.observed("image").any()
    assert none.counts is not None
    assert sum(none.counts.other_types.values()) == 12


def test_several_images_of_a_unit_and_colours_are_counted():
    counts = ImageCounts(images=120, read=12, types={"pictures": 12}, other_types={}, further=108, colour=2)
    assert counts.left_out() == [
        "108 of 120 images are not read: only the first image of a unit is",
        "2 of 120 images are in colour and are read in gray",
    ]
    assert ImageCounts(images=3, read=3, types={"pictures": 3}, other_types={}, further=0).left_out() == []


def test_pixels_that_changed_since_they_were_ingested_are_refused(archive: Archive, tmp_path: Path):
    copied = tmp_path / "archive"
    shutil.copytree(archive.path, copied)
    (pixels,) = (copied / "pixels").glob("*.bin")
    content = bytearray(pixels.read_bytes())
    first = open_archive(copied).table("images").filter(kind="img8").sort("offset").row(0, named=True)
    content[first["offset"]] ^= 255
    pixels.write_bytes(content)
    with pytest.raises(InputError, match="1 images have changed since they were ingested"):
        load_patient_data(open_archive(copied), crop=CROP)
