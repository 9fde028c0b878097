"""Augmentation keeps what a label can hang on: size, the scanned extent, the slices' order up to a mirror."""

from dataclasses import replace

import pytest
import torch

from semeia.views.augment import AugmentSettings, augment

STILL = AugmentSettings(degrees=0.0, shift=0.0, contrast=0.0, brightness=0.0, flip=False)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def discs(batch: int, height: int, width: int, radius: float = 4.0) -> torch.Tensor:
    """A soft disc off the centre, the same in all four slices but for its brightness."""
    y, x = torch.meshgrid(torch.arange(height) - height / 2, torch.arange(width) - width / 2, indexing="ij")
    disc = torch.sigmoid(radius - ((y - 2.5) ** 2 + (x + 1.5) ** 2).sqrt())
    return (disc * torch.tensor([0.4, 0.6, 0.8, 1.0])[:, None, None]).expand(batch, -1, -1, -1).clone()


def test_doing_nothing_changes_nothing():
    volumes, covered = torch.rand(3, 4, 8, 8), torch.ones(3, 4, dtype=torch.bool)
    moved, planes = augment(volumes, covered, settings=STILL, generator=generator())
    torch.testing.assert_close(moved, volumes)
    assert torch.equal(planes, covered)


def test_the_generator_decides_everything():
    volumes, covered = torch.rand(3, 4, 8, 8), torch.ones(3, 4, dtype=torch.bool)
    once, again, other = (
        augment(volumes, covered, settings=AugmentSettings(), generator=generator(seed))[0] for seed in (1, 1, 2)
    )
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (24, 40)])
def test_turns_shifts_and_mirrors_keep_size(height: int, width: int):
    volumes, covered = discs(64, height, width), torch.ones(64, 4, dtype=torch.bool)
    settings = replace(STILL, degrees=180.0, shift=2.0, flip=True)
    moved, _ = augment(volumes, covered, settings=settings, generator=generator())
    torch.testing.assert_close(moved.sum((1, 2, 3)), volumes.sum((1, 2, 3)), rtol=0.02, atol=0.0)
    # A zoom or a shear would change the spread around the centre, too.
    assert torch.allclose(spread(moved), spread(volumes), rtol=0.05)


def spread(volumes: torch.Tensor) -> torch.Tensor:
    """Variance of the place of mass in the plane, in square voxels."""
    mass = volumes.sum(1)
    y, x = torch.meshgrid(*(torch.arange(float(n)) for n in mass.shape[1:]), indexing="ij")
    total = mass.sum((1, 2))
    means = [(mass * axis).sum((1, 2)) / total for axis in (y, x)]
    return sum(
        (mass * (axis - mean[:, None, None]) ** 2).sum((1, 2)) / total for axis, mean in zip((y, x), means, strict=True)
    )


def test_half_are_turned_upside_down_with_their_planes():
    covered = torch.tensor([True, True, True, False]).expand(200, -1)
    volumes = torch.arange(1.0, 5.0)[:, None, None].expand(200, 4, 8, 8) / 10
    settings = replace(STILL, flip=True)
    moved, planes = augment(volumes * covered[:, :, None, None], covered, settings=settings, generator=generator())
    down = ~planes[:, 0]
    assert 60 < int(down.sum()) < 140
    assert (planes[down] == torch.tensor([False, True, True, True])).all()
    assert (planes[~down] == covered[~down]).all()
    centre = moved[:, :, 4, 4]
    torch.testing.assert_close(centre[down], torch.tensor([0.0, 0.3, 0.2, 0.1]).expand(int(down.sum()), -1))


def test_relighting_stays_in_range_and_leaves_the_unscanned_dark():
    volumes, covered = torch.rand(50, 4, 8, 8), torch.rand(50, 4, generator=generator()) < 0.5
    settings = AugmentSettings(contrast=0.9, brightness=0.9)
    moved, planes = augment(volumes, covered, settings=settings, generator=generator())
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert not moved[~planes].any()
    assert torch.equal(planes.sum(1), covered.sum(1))
