"""Every embedding by its name, reading the views that its geometry cuts; weights are a function of the seed."""

import pytest
import torch

from semeia.encoders.build import IMAGE_EMBEDDINGS, ModelSettings, build_encoder
from semeia.views.fingerprint import Fingerprint
from semeia.views.preprocessing import Preprocessing
from small_views import CROP, ITEMS, SMALL, small_views


def manifest(settings: ModelSettings, modalities: tuple[str, ...]) -> Preprocessing:
    return Preprocessing(
        modalities=modalities,
        geometry=settings.geometry,
        crop=CROP,
        items=tuple("abc"),
        item_mean=(0.0,) * ITEMS,
        item_sd=(1.0,) * ITEMS,
        fitted_on=Fingerprint((), ()),
    )


@pytest.mark.parametrize("image", IMAGE_EMBEDDINGS)
@pytest.mark.parametrize("modalities", [("image",), ("reading",), ("image", "reading"), ("reading", "image")])
def test_what_is_built_reads_its_views(image: str, modalities: tuple[str, ...]):
    settings = ModelSettings(image=image, crop=CROP, encoder=SMALL)
    encoder = build_encoder(settings, manifest(settings, modalities), seed=0)
    assert encoder.kinds == modalities
    pooled, there = encoder.pool(encoder(small_views(image=image, gaps=False)))
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
