"""Patches are what is under them, in the order of their places; absent voxels are 0 whatever they hold."""

import pytest
import torch
from torch import nn

from semeia.data.crops import CropSettings, patch_places, patch_presence
from semeia.data.modalities import Picture, Volume
from semeia.encoders.volume import ConvEmbedding, PatchEmbedding, scanned
from semeia.errors import InputError

CROP = CropSettings(voxels=(4, 6, 8), patch=(2, 3, 2))


def present_in(volumes: torch.Tensor) -> torch.Tensor:
    return patch_presence(torch.ones(len(volumes), volumes.shape[2], dtype=torch.bool), CROP)


def test_a_token_is_the_projection_of_its_patch():
    embedding = PatchEmbedding(8, modality=Volume(crop=CROP, network="patches"))
    volumes = torch.rand(2, 1, 4, 6, 8)
    linear = next(module for module in embedding.modules() if isinstance(module, nn.Linear))
    token = 0
    for z in range(0, 4, 2):
        for y in range(0, 6, 3):
            for x in range(0, 8, 2):
                patch = volumes[:, 0, z : z + 2, y : y + 3, x : x + 2].flatten(1) - 0.5
                torch.testing.assert_close(embedding(volumes, present_in(volumes))[:, token], linear(patch))
                token += 1


def test_a_token_of_colours_is_the_projection_of_all_three():
    crop = CropSettings(voxels=(1, 4, 4), patch=(1, 2, 2))
    embedding = PatchEmbedding(8, modality=Picture(crop=crop, colours=3))
    linear = next(module for module in embedding.modules() if isinstance(module, nn.Linear))
    pictures = torch.rand(2, 3, 1, 4, 4)
    tokens = embedding(pictures, torch.ones(2, 4, dtype=torch.bool))
    torch.testing.assert_close(tokens[:, 3], linear(pictures[:, :, :, 2:, 2:].flatten(1) - 0.5))


@pytest.mark.parametrize("patch", [(1, 2, 2), (2, 2, 2), (4, 4, 4), (3, 8, 8)])
def test_convolutions_end_in_one_token_a_patch_near_it(patch: tuple[int, int, int]):
    crop = CropSettings(voxels=(2 * patch[0], 2 * patch[1], 2 * patch[2]), patch=patch)
    torch.manual_seed(0)
    embedding = ConvEmbedding(40, modality=Volume(crop=crop, network="conv")).eval()
    present = torch.ones(1, 8, dtype=torch.bool)
    where = patch_places(crop)[None]
    volumes = torch.rand(1, 1, *crop.voxels).requires_grad_()
    tokens = embedding(volumes, present)
    assert tokens.shape == (1, 8, 40)
    # The voxel that matters most to a token lies within its patch.
    for token, centre in enumerate(where[0]):
        (slope,) = torch.autograd.grad(tokens[0, token].square().sum(), volumes, retain_graph=True)
        place = (slope[0, 0] == slope.max()) | (slope[0, 0] == slope.min())
        middle = (torch.tensor(crop.voxels) - 1) / 2
        nearest = ((place.nonzero() - middle - centre).abs() <= torch.tensor(patch) / 2 + 1).all(1)
        assert nearest.any()


@pytest.mark.parametrize("patch", [(1, 2, 4), (1, 3, 3), (1, 1, 1)])
def test_patches_that_cannot_be_halved_are_refused(patch: tuple[int, int, int]):
    crop = CropSettings(voxels=(patch[0], 2 * patch[1], 2 * patch[2]), patch=patch)
    with pytest.raises(InputError, match="must be square"):
        ConvEmbedding(16, modality=Volume(crop=crop, network="conv"))


def test_only_the_voxels_of_absent_patches_are_dropped():
    present = torch.zeros(2, 16, dtype=torch.bool)
    present[0, 5] = True
    volumes = torch.full((2, 1, 4, 6, 8), torch.nan)
    volumes[0, 0, :2, 3:6, 2:4] = 0.25
    kept = scanned(volumes, present, CROP)
    assert kept.isfinite().all()
    assert kept.sum() == 0.25 * 2 * 3 * 2
    assert (kept[0, 0, :2, 3:6, 2:4] == 0.25).all()
