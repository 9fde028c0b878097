"""Every embedding against the contract of embeddings. A new one is one line in `CASES`."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from contracts.encoder_contract import CHECKS, Case, Make
from semeia.data.crops import CropSettings
from semeia.data.modalities import Events, Signal, Vector
from semeia.data.modalities.events import Vocabulary
from semeia.data.modalities.vector import VectorScale
from semeia.data.modality import Modality, Scale
from semeia.encoders.build import EMBEDDINGS
from small_batches import CROP, ITEMS, READING, REPORT, SMALL, image_of, small_batch, with_reports

COLOURED = CropSettings(voxels=(1, 8, 8), patch=(1, 4, 4))
RINGS = CropSettings(voxels=(4, 32, 32), patch=(2, 8, 8))


def patch_inputs(token: int) -> Tensor:
    """The voxels of one patch."""
    places = torch.arange(2 * 4 * 4).reshape(2, 4, 4)
    for axis, size in enumerate(CROP.patch):
        places = places.repeat_interleave(size, axis)
    return places == token


def coloured_inputs(token: int) -> Tensor:
    """The pixels of one patch, of all three colours."""
    places = torch.arange(2 * 2).reshape(1, 2, 2).repeat_interleave(4, 1).repeat_interleave(4, 2)
    return (places == token).expand(3, 1, 8, 8)


def ring_inputs(token: int) -> Tensor:
    """The voxels of one ring, without the border that interpolation shares with the next."""
    layer, ring = divmod(token, 2)
    away = torch.arange(32) - 15.5
    radius = (away[:, None] ** 2 + away**2).sqrt()
    inside = (radius > 8 * ring + 1.5 * (ring > 0)) & (radius < 8 * ring + 6.5)
    mask = torch.zeros(4, 32, 32, dtype=torch.bool)
    mask[2 * layer : 2 * layer + 2] = inside
    return mask


def case_of(modality: Modality, values: Tensor, present: Tensor, seed: int, inputs=None, dim: int = SMALL.dim) -> Case:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = EMBEDDINGS[modality.embedding](dim, modality=modality)
    # In training, batch normalisation lets patients know each other.
    return Case(module.eval(), values, present, dim, inputs)


def image(
    name: str, crop: CropSettings, inputs: Callable[[int], Tensor] | None, dim: int = SMALL.dim, colours: int = 1
) -> Make:
    def make(seed: int) -> Case:
        seen = small_batch(image=name, crop=crop).modalities["image"]
        modality = image_of(name, crop)
        values = seen.values[:, 0]
        if colours > 1:
            modality = replace(modality, colours=colours)
            values = values * torch.tensor([1.0, 0.7, 0.2])[:, None, None, None]
        return case_of(modality, values, seen.present[:, 0], seed, inputs, dim)

    return make


def network(name: str, dim: int, colours: int = 1) -> Make:
    return image(name, CropSettings(voxels=(1, 64, 32), patch=(1, 32, 32)), None, dim, colours)


def reading(seed: int) -> Case:
    seen = small_batch().modalities["reading"]
    own = lambda token: torch.arange(ITEMS) == token  # noqa: E731
    return case_of(READING, seen.values[:, 0], seen.present[:, 0], seed, own)


def report(seed: int) -> Case:
    seen = with_reports(small_batch()).modalities["report"]
    return case_of(REPORT, seen.values[:, 0], seen.present[:, 0], seed)


def gaps(length: int) -> Tensor:
    """Row 0 has nothing, row 1 lacks the first token."""
    present = torch.ones(6, length, dtype=torch.bool)
    present[0], present[1, 0] = False, False
    return present


def vector(seed: int) -> Case:
    modality = Vector(source="features", fitted=VectorScale((0.0,) * 5, (1.0,) * 5, 2))
    values = torch.randn(6, 2, 5, generator=torch.Generator().manual_seed(0))
    present = gaps(2)
    own = lambda token: (torch.arange(2) == token)[:, None].expand(2, 5)  # noqa: E731
    return case_of(modality, values.masked_fill(~present[..., None], torch.nan), present, seed, own)


def events(seed: int) -> Case:
    """Rows 0 and 1 have no event, row 2 one without a value, row 3 one of any other code."""
    modality = Events(fitted=Vocabulary((0.0,) * 2, (1.0,) * 2, ("C/1", "L/1")))
    values = torch.tensor([[torch.nan] * 3, [torch.nan] * 3, [1, 0, 0], [0, 0, 0], [2, 1, -1.5], [2, 1, 0.5]])
    present = torch.tensor([False, False, True, True, True, True])[:, None]
    value = lambda token: torch.tensor([False, False, True])  # noqa: E731 (a code is a number of its own, not noise)
    return case_of(modality, values, present, seed, value)


def signal(seed: int) -> Case:
    modality = Signal(source="ecg", length=12, patch=4, fitted=Scale((0.0, 0.0), (1.0, 1.0)))
    values = torch.randn(6, 2, 12, generator=torch.Generator().manual_seed(0))
    present = gaps(3)
    own = lambda token: (torch.arange(12) // 4 == token).expand(2, 12)  # noqa: E731
    return case_of(
        modality, values.masked_fill(~present.repeat_interleave(4, 1)[:, None], torch.nan), present, seed, own
    )


CASES: dict[str, Make] = {
    "patches": image("patches", CROP, patch_inputs),
    "rings": image("rings", RINGS, ring_inputs),
    "conv": image("conv", CROP, None),
    "conv-of-wide-patches": image("conv", CropSettings(voxels=(4, 8, 8), patch=(2, 4, 4)), None),
    "resnet18": network("resnet18", 512),
    "resnet50": network("resnet50", 2048),
    "efficientnet_lite0": network("efficientnet_lite0", 1280),
    "patches-of-colours": image("patches", COLOURED, coloured_inputs, colours=3),
    "resnet18-of-colours": network("resnet18", 512, colours=3),
    "reading": reading,
    "report": report,
    "vector": vector,
    "events": events,
    "signal": signal,
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", CASES)
def test_embedding(name: str, check: Callable[[Make], None]):
    check(CASES[name])
