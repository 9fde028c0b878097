"""Every embedding by its name, reading the views that its geometry cuts; weights are a function of the seed."""

import pytest
import torch

from semeia.encoders.build import IMAGE_EMBEDDINGS, ModelSettings, build_encoder
from semeia.encoders.patient import EncoderSettings
from semeia.views.crops import CropSettings
from semeia.views.fingerprint import Fingerprint
from semeia.views.preprocessing import Preprocessing
from small_views import CROP, ITEMS, SMALL, small_views

WIDTHS = {"resnet18": 512, "resnet50": 2048, "efficientnet_lite0": 1280}


def settings_of(image: str) -> ModelSettings:
    if image not in WIDTHS:
        return ModelSettings(image=image, crop=CROP, encoder=SMALL)
    crop = CropSettings(voxels=(1, 64, 32), patch=(1, 32, 32))
    return ModelSettings(image=image, crop=crop, encoder=EncoderSettings(dim=WIDTHS[image], depth=0))


def manifest(settings: ModelSettings, modalities: tuple[str, ...]) -> Preprocessing:
    return Preprocessing(
        modalities=modalities,
        geometry=settings.geometry,
        crop=settings.crop,
        items=tuple("abc"),
        item_mean=(0.0,) * ITEMS,
        item_sd=(1.0,) * ITEMS,
        fitted_on=Fingerprint((), ()),
    )


@pytest.mark.parametrize("image", IMAGE_EMBEDDINGS)
@pytest.mark.parametrize("modalities", [("image",), ("reading",), ("image", "reading"), ("reading", "image")])
def test_what_is_built_reads_its_views(image: str, modalities: tuple[str, ...]):
    settings = settings_of(image)
    encoder = build_encoder(settings, manifest(settings, modalities), seed=0)
    assert encoder.kinds == modalities
    pooled, there = encoder.pool(encoder(small_views(image=image, gaps=False, crop=settings.crop)))
    assert pooled.shape == (6, len(modalities), encoder.pooled_width())
    assert pooled.isfinite().all()
    assert there.shape == (6, len(modalities))


def test_the_seed_decides_and_the_global_generator_is_left_alone():
    settings = ModelSettings(crop=CROP, encoder=SMALL)
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    first, again, other = (
        build_encoder(settings, manifest(settings, ("image", "reading")), seed=seed).state_dict() for seed in (0, 0, 1)
    )
    assert torch.equal(torch.rand(2), expected)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)
