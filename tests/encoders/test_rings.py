"""Rings do not turn with the patient, and lie where data/crops.py says."""

import pytest
import torch

from semeia.data.crops import CropSettings, patch_places, patch_presence
from semeia.data.modalities import Picture, Volume
from semeia.encoders.rings import RingEmbedding, circles, with_neighbours
from semeia.errors import InputError

CROP = CropSettings(voxels=(4, 16, 16), patch=(2, 2, 2))


def tokens_of(embedding: RingEmbedding, volumes: torch.Tensor) -> torch.Tensor:
    """Of whole volumes, [n, depth, height, width]."""
    covered = torch.ones(volumes.shape[:2], dtype=torch.bool)
    return embedding(volumes[:, None], patch_presence(covered, CROP, "rings"))


@pytest.fixture
def embedding() -> RingEmbedding:
    torch.manual_seed(0)
    return RingEmbedding(16, modality=Volume(crop=CROP))


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_quarter_turn_changes_nothing(embedding: RingEmbedding, quarters: int):
    volumes = torch.rand(2, 4, 16, 16)
    turned = torch.rot90(volumes, quarters, (2, 3))
    torch.testing.assert_close(tokens_of(embedding, turned), tokens_of(embedding, volumes), atol=1e-5, rtol=1e-4)


def test_what_rings_do_see(embedding: RingEmbedding):
    volumes = torch.rand(2, 4, 16, 16)
    shuffled = volumes.flatten(2)[:, :, torch.randperm(256)].reshape(volumes.shape)
    assert not torch.allclose(tokens_of(embedding, shuffled), tokens_of(embedding, volumes), atol=1e-3)
    assert not torch.allclose(tokens_of(embedding, volumes.flip(1)), tokens_of(embedding, volumes), atol=1e-3)


def test_a_brighter_ring_changes_the_token_at_its_radius(embedding: RingEmbedding):
    volumes = torch.zeros(1, 4, 16, 16)
    away = torch.arange(16) - 7.5
    radius = (away[:, None] ** 2 + away**2).sqrt()
    lit = volumes.clone()
    lit[:, 2:, (radius - 5).abs() < 0.5] = 1.0
    change = (tokens_of(embedding, lit) - tokens_of(embedding, volumes)).norm(dim=-1)[0]
    depth, middle, _ = patch_places(CROP, "rings")[change.argmax()].tolist()
    assert (depth, middle) == (1.0, 5.0)
    assert not change[:4].any()


def test_an_angle_is_read_with_the_one_before_and_the_one_after():
    around = torch.arange(10.0).reshape(1, 5, 2)
    assert with_neighbours(around)[0, 0].tolist() == [8.0, 9.0, 0.0, 1.0, 2.0, 3.0]


def test_circles_stay_within_the_plane():
    grid = circles(16, 8)
    assert grid.shape == (1, 8, 8, 2)
    assert grid.abs().max() < 1
    torch.testing.assert_close(grid[0].norm(dim=-1)[:, 0] * 8, torch.arange(8) + 0.5)


@pytest.mark.parametrize(
    ("crop", "words"),
    [
        (CropSettings(voxels=(4, 16, 8), patch=(2, 2, 2)), "square plane"),
        (CropSettings(voxels=(4, 24, 24), patch=(2, 8, 8)), "do not divide the radius"),
    ],
)
def test_grids_without_rings_are_refused(crop: CropSettings, words: str):
    with pytest.raises(InputError, match=words):
        RingEmbedding(16, modality=Volume(crop=crop))


def test_colours_are_refused():
    with pytest.raises(InputError, match="one channel"):
        RingEmbedding(16, modality=Picture(crop=CropSettings(voxels=(1, 16, 16), patch=(1, 2, 2)), colours=3))
