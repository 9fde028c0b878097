"""Pseudo narrow-band imaging, hidden parts, and colour on its way from a file to a network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from semeia.archive import open_archive
from semeia.data.crops import CropSettings
from semeia.data.dataset import open_dataset
from semeia.data.modalities import Picture
from semeia.data.pictures import TRANSFORMS, PictureSettings, narrow_band, planes_of
from semeia.data.preprocessing import fit_preprocessing, make_batch
from semeia.encoders.build import build_encoder
from semeia.encoders.patient import EncoderSettings
from semeia.errors import InputError
from semeia.readers import ingest_folders

CROP = CropSettings(voxels=(1, 16, 16), patch=(1, 8, 8))


def test_narrow_band_shows_green_as_red_and_blue_twice_and_darkens_what_absorbs():
    planes = np.random.default_rng(0).uniform(0.1, 1, (3, 20, 20)).astype(np.float32)
    shown = narrow_band(planes)
    assert np.array_equal(shown[1], shown[2])
    # Red light is not used at all.
    assert np.array_equal(shown, narrow_band(np.stack([planes[0] * 0, planes[1], planes[2]])))
    inside = (shown[0] < 1) & (shown[1] < 1)
    ratio = shown[0][inside] / shown[1][inside]
    assert ratio == pytest.approx((planes[1] ** 1.5 / planes[2] ** 2)[inside], rel=1e-4)
    with pytest.raises(InputError, match="needs the colours"):
        narrow_band(planes[:1])


def test_hidden_parts_are_black_whatever_is_there_and_change_nothing_else():
    settings = PictureSettings(hidden=((0.0, 0.5, 0.25, 1.0),), levels="picture")
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    other = picture.copy()
    other[17:, :7] = 255  # text, inside the hidden part and away from its border
    one, two = (planes_of(each, size=(16, 16), settings=settings, channels=3) for each in (picture, other))
    assert not one[:, 8:, :4].any()
    assert one[:, :8].any()
    assert np.allclose(one[:, :7, 5:], two[:, :7, 5:])
    with pytest.raises(InputError, match="hidden part"):
        PictureSettings(hidden=((0.5, 0.0, 0.2, 1.0),))
    with pytest.raises(InputError, match="derive is 'ultraviolet'; there are narrow_band"):
        PictureSettings(derive="ultraviolet")


def test_colour_survives_from_file_to_model_and_a_derived_modality_comes_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    colours = {"red": (250, 10, 20), "blue": (20, 10, 250)}
    for name, colour in colours.items():
        (tmp_path / "files" / name).mkdir(parents=True)
        Image.new("RGB", (20, 20), colour).save(tmp_path / "files" / name / "1.png")
    ingest_folders(tmp_path / "files", into=tmp_path / "archive")
    monkeypatch.setitem(TRANSFORMS, "inverted", lambda planes: 1 - planes)
    archive = open_archive(tmp_path / "archive")
    modalities = {
        "light": Picture(source="picture", crop=CROP),
        "other": Picture(source="picture", crop=replace(CROP, picture=PictureSettings(derive="inverted"))),
    }
    data = open_dataset(archive, modalities)
    labels = data.units.join(archive.outcome("label"), on="unit_id", how="left", maintain_order="left")["value"]
    preprocessing = fit_preprocessing(data, np.arange(2), modalities=("light", "other"))
    batch = make_batch(data, np.arange(2), preprocessing=preprocessing)
    for row, label in enumerate(labels):
        wanted = torch.tensor(colours["blue" if label == 0 else "red"]) / 255
        values = batch.modalities["light"].values[row, 0]
        assert values.shape == (3, 1, 16, 16)
        assert torch.allclose(values.amax((1, 2, 3)), wanted, atol=0.01)
        assert torch.allclose(batch.modalities["other"].values[row, 0].amax((1, 2, 3)), 1 - wanted, atol=0.01)
    encoder = build_encoder(EncoderSettings(dim=16, depth=1, heads=2), preprocessing, seed=0)
    pooled, _ = encoder.pool(encoder(batch.of("light", torch.ones(2, dtype=torch.bool))))
    assert not torch.allclose(pooled[0], pooled[1])
