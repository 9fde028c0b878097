"""Patches are what is under them, in the order of their places; absent voxels are 0 whatever they hold."""

import pytest
import torch
from torch import nn

from semeia.encoders.volume import ConvEmbedding, PatchEmbedding, scanned
from semeia.errors import InputError
from semeia.views.crops import CropSettings
from semeia.views.patches import patch_places, patch_presence
from semeia.views.patient import View

CROP = CropSettings(voxels=(4, 6, 8), patch=(2, 3, 2))


def view_of(volumes: torch.Tensor) -> View:
    present = patch_presence(torch.ones(volumes.shape[:2], dtype=torch.bool), CROP)
    return View(volumes, present, patch_places(CROP).expand(len(volumes), -1, -1))


def test_a_token_is_the_projection_of_its_patch():
    embedding = PatchEmbedding(8, crop=CROP)
    volumes = torch.rand(2, 4, 6, 8)
    linear = next(module for module in embedding.modules() if isinstance(module, nn.Linear))
    token = 0
    for z in range(0, 4, 2):
        for y in range(0, 6, 3):
            for x in range(0, 8, 2):
                patch = volumes[:, z : z + 2, y : y + 3, x : x + 2].flatten(1) - 0.5
                torch.testing.assert_close(embedding(view_of(volumes))[:, token], linear(patch))
                token += 1


@pytest.mark.parametrize("patch", [(1, 2, 2), (2, 2, 2), (4, 4, 4), (3, 8, 8)])
def test_convolutions_end_in_one_token_a_patch_near_it(patch: tuple[int, int, int]):
    crop = CropSettings(voxels=(2 * patch[0], 2 * patch[1], 2 * patch[2]), patch=patch)
    torch.manual_seed(0)
    embedding = ConvEmbedding(40, crop=crop).eval()
    present = torch.ones(1, 8, dtype=torch.bool)
    where = patch_places(crop)[None]
    volumes = torch.rand(1, *crop.voxels).requires_grad_()
    tokens = embedding(View(volumes, present, where))
    assert tokens.shape == (1, 8, 40)
    # The voxel that matters most to a token lies within its patch.
    for token, centre in enumerate(where[0]):
        (slope,) = torch.autograd.grad(tokens[0, token].square().sum(), volumes, retain_graph=True)
        place = (slope[0] == slope.max()) | (slope[0] == slope.min())
        middle = (torch.tensor(crop.voxels) - 1) / 2
        nearest = ((place.nonzero() - middle - centre).abs() <= torch.tensor(patch) / 2 + 1).all(1)
        assert nearest.any()


@pytest.mark.parametrize("patch", [(1, 2, 4), (1, 3, 3), (1, 1, 1)])
def test_patches_that_cannot_be_halved_are_refused(patch: tuple[int, int, int]):
    crop = CropSettings(voxels=(patch[0], 2 * patch[1], 2 * patch[2]), patch=patch)
    with pytest.raises(InputError, match="must be square"):
        ConvEmbedding(16, crop=crop)


def test_only_the_voxels_of_absent_patches_are_dropped():
    present = torch.zeros(2, 16, dtype=torch.bool)
    present[0, 5] = True
    volumes = torch.full((2, 4, 6, 8), torch.nan)
    volumes[0, :2, 3:6, 2:4] = 0.25
    kept = scanned(volumes, present, CROP)
    assert kept.isfinite().all()
    assert kept.sum() == 0.25 * 2 * 3 * 2
    assert (kept[0, :2, 3:6, 2:4] == 0.25).all()
