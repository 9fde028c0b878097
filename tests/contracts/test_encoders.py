"""Every embedding against the contract of embeddings. A new one is one line in `CASES`."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from contracts.encoder_contract import CHECKS, Case, Make
from semeia.encoders.build import IMAGE_EMBEDDINGS
from semeia.views.crops import CropSettings
from small_views import CROP, ITEMS, SMALL, small_encoder, small_views

RINGS = CropSettings(voxels=(4, 32, 32), patch=(2, 8, 8))


def patch_inputs(token: int) -> Tensor:
    """The voxels of one patch."""
    places = torch.arange(2 * 4 * 4).reshape(2, 4, 4)
    for axis, size in enumerate(CROP.patch):
        places = places.repeat_interleave(size, axis)
    return places == token


def ring_inputs(token: int) -> Tensor:
    """The voxels of one ring, without the border that interpolation shares with the next."""
    layer, ring = divmod(token, 2)
    away = torch.arange(32) - 15.5
    radius = (away[:, None] ** 2 + away**2).sqrt()
    inside = (radius > 8 * ring + 1.5 * (ring > 0)) & (radius < 8 * ring + 6.5)
    mask = torch.zeros(4, 32, 32, dtype=torch.bool)
    mask[2 * layer : 2 * layer + 2] = inside
    return mask


def image(name: str, crop: CropSettings, inputs: Callable[[int], Tensor] | None) -> Make:
    def make(seed: int) -> Case:
        view = small_views(image=name, crop=crop).modalities["image"]
        return Case(small_encoder(name, seed=seed, crop=crop).embeddings["image"], view, SMALL.dim, inputs)

    return make


def network(name: str, dim: int) -> Make:
    def make(seed: int) -> Case:
        crop = CropSettings(voxels=(1, 64, 32), patch=(1, 32, 32))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = IMAGE_EMBEDDINGS[name](dim, crop=crop)
        # In training, batch normalisation lets patients know each other.
        return Case(module.eval(), small_views(image=name, crop=crop).modalities["image"], dim, None)

    return make


def reading(seed: int) -> Case:
    view = small_views().modalities["reading"]
    return Case(
        small_encoder(seed=seed).embeddings["reading"],
        view,
        SMALL.dim,
        lambda token: torch.arange(ITEMS) == token,
    )


CASES: dict[str, Make] = {
    "patches": image("patches", CROP, patch_inputs),
    "rings": image("rings", RINGS, ring_inputs),
    "conv": image("conv", CROP, None),
    "conv-of-wide-patches": image("conv", CropSettings(voxels=(4, 8, 8), patch=(2, 4, 4)), None),
    "resnet18": network("resnet18", 512),
    "resnet50": network("resnet50", 2048),
    "efficientnet_lite0": network("efficientnet_lite0", 1280),
    "reading": reading,
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", CASES)
def test_embedding(name: str, check: Callable[[Make], None]):
    check(CASES[name])
