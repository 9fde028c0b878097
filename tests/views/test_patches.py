"""Where tokens lie, in the order in which the embeddings make them, and which of them were scanned."""

import pytest
import torch

from semeia.views.crops import CropSettings
from semeia.views.patches import patch_places, patch_presence

CROP = CropSettings(voxels=(4, 6, 8), voxel_mm=(2.0, 1.0, 0.5), patch=(2, 3, 2))


def test_places_are_the_centres_of_the_patches_in_millimetres():
    axes = [(torch.arange(n) - (n - 1) / 2) * mm for n, mm in zip(CROP.voxels, CROP.voxel_mm, strict=True)]
    voxels = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
    expected = [
        voxels[z : z + 2, y : y + 3, x : x + 2].reshape(-1, 3).mean(0)
        for z in range(0, 4, 2)
        for y in range(0, 6, 3)
        for x in range(0, 8, 2)
    ]
    torch.testing.assert_close(patch_places(CROP), torch.stack(expected))


def test_rings_lie_at_their_radius():
    crop = CropSettings(voxels=(4, 16, 16), voxel_mm=(2.0, 0.5, 0.5), patch=(2, 4, 4))
    assert patch_places(crop, "rings").tolist() == [[-2, 1, 0], [-2, 3, 0], [2, 1, 0], [2, 3, 0]]


@pytest.mark.parametrize(("geometry", "beside"), [("patches", 2 * 4), ("rings", 1)])
def test_one_scanned_plane_makes_the_whole_layer_present(geometry: str, beside: int):
    covered = torch.tensor([[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1]]).bool()
    present = patch_presence(covered, CROP, geometry)
    layers = torch.tensor([[0, 0], [1, 0], [0, 1], [1, 1]]).bool()
    assert torch.equal(present, layers.repeat_interleave(beside, 1))
    assert present.shape[1] == len(patch_places(CROP, geometry))
