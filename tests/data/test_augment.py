"""Augmentation keeps what a label can hang on: size, the scanned extent, the slices' order up to a mirror."""

from dataclasses import replace

import pytest
import torch

from semeia.data import augment as room
from semeia.data.augment import RADIOGRAPH, AugmentSettings

STILL = AugmentSettings(degrees=0.0, shift=0.0, contrast=0.0, brightness=0.0, flip=False)


def augment(
    volumes: torch.Tensor, covered: torch.Tensor, *, settings: AugmentSettings, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Of crops with one channel, [batch, depth, height, width]."""
    moved, planes = room.augment(volumes[:, None], covered, settings=settings, generator=generator)
    assert moved.shape == (len(volumes), 1, *volumes.shape[1:])
    return moved[:, 0], planes


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


def places(batch: int, height: int, width: int) -> torch.Tensor:
    """Two planes whose values say where a pixel is: its row and its column, each in (0, 1)."""
    y = (torch.arange(height) + 0.5)[:, None].expand(height, width) / height
    x = (torch.arange(width) + 0.5).expand(height, width) / width
    return torch.stack([y, x]).expand(batch, -1, -1, -1).clone()


@pytest.mark.parametrize("zoom", [0.2, 0.5, 0.9])
def test_a_zoom_stays_inside_keeps_proportions_and_reaches_the_border(zoom: float):
    volumes, covered = places(400, 24, 40), torch.ones(400, 2, dtype=torch.bool)
    moved, _ = augment(volumes, covered, settings=replace(STILL, zoom=zoom), generator=generator())
    seen = []
    for axis, length in ((0, 24), (1, 40)):
        # Where each line came from, and by what step, read off the two in the middle.
        values = moved[:, 0, :, 20] if axis == 0 else moved[:, 1, 12]
        middle = length // 2
        step = values[:, middle] - values[:, middle - 1]
        came = values[:, middle, None] + step[:, None] * (torch.arange(length) - middle)
        assert came.min() > 0
        assert came.max() < 1
        # Between a border and the middle of its pixels there is nothing to interpolate with.
        inside = (came > 0.5 / length) & (came < 1 - 0.5 / length)
        torch.testing.assert_close(values[inside], came[inside], atol=1e-4, rtol=0.0)
        seen.append(step * length)
        # The field of view may be anywhere inside.
        assert came[:, 0].min() < 0.1
        assert came[:, -1].max() > 0.9
    torch.testing.assert_close(*seen, atol=1e-3, rtol=0.0)
    assert 1 - zoom - 1e-3 < seen[0].min() < 1 - 0.9 * zoom
    assert seen[0].max() < 1 + 1e-3


def test_radiographs_stand_upright_and_mirror_left_to_right():
    volumes, covered = places(200, 24, 40), torch.ones(200, 2, dtype=torch.bool)
    settings = replace(RADIOGRAPH, contrast=0.0, brightness=0.0, gamma=0.0, noise=0.0)
    moved, planes = augment(volumes[:, :1], covered[:, :1], settings=settings, generator=generator())
    assert planes.all()
    assert (moved[:, 0, 15:20].mean((1, 2)) > moved[:, 0, 4:9].mean((1, 2))).all()
    sideways, _ = augment(volumes[:, 1:], covered[:, 1:], settings=settings, generator=generator())
    rightwards = sideways[:, 0, :, 26:32].mean((1, 2)) > sideways[:, 0, :, 8:14].mean((1, 2))
    assert 60 < int(rightwards.sum()) < 140


def test_exposure_keeps_the_order_of_shades():
    volumes, covered = places(50, 16, 16)[:, :1], torch.ones(50, 1, dtype=torch.bool)
    settings = replace(STILL, gamma=0.5, contrast=0.3, brightness=0.1)
    moved, _ = augment(volumes, covered, settings=settings, generator=generator())
    assert (moved[:, 0].diff(dim=1) >= -1e-6).all()
    assert moved[:, 0, 8, 8].std() > 0.05
    noisy, _ = augment(volumes, covered, settings=replace(STILL, noise=0.2), generator=generator())
    difference = (noisy - volumes)[:, 0, 4:-4].std((1, 2))
    assert difference.max() < 0.2
    assert difference.max() > 3 * difference.min()


def test_what_is_off_by_default_draws_nothing():
    """The draws of a study that was run before zoom, gamma and noise came are as they were."""
    volumes, covered = torch.rand(4, 3, 8, 8), torch.ones(4, 3, dtype=torch.bool)
    first = generator(5)
    augment(volumes, covered, settings=AugmentSettings(), generator=first)
    second = generator(5)
    # Angle, mirror, shift, contrast, brightness: what there was from the beginning.
    for shape in ((4,), (4, 2), (4, 2), (4, 1, 1, 1), (4, 1, 1, 1)):
        torch.rand(shape, generator=second)
    assert torch.equal(first.get_state(), second.get_state())


def test_colours_move_together():
    volumes, covered = torch.rand(5, 1, 1, 12, 12), torch.ones(5, 1, dtype=torch.bool)
    settings = replace(RADIOGRAPH, noise=0.0)
    gray, _ = room.augment(volumes, covered, settings=settings, generator=generator())
    coloured, _ = room.augment(volumes.expand(-1, 3, -1, -1, -1), covered, settings=settings, generator=generator())
    for channel in range(3):
        torch.testing.assert_close(coloured[:, channel], gray[:, 0])


def test_modalities_of_one_scene_are_moved_alike_and_lit_apart_where_they_are_registered():
    volumes, covered = discs(6, 16, 16), torch.ones(6, 4, dtype=torch.bool)
    dark = replace(RADIOGRAPH, together=True, contrast=0.0, brightness=0.0, gamma=0.0, noise=0.0)
    drawn = generator()
    one, other = (augment(volumes, covered, settings=dark, generator=drawn)[0] for _ in range(2))
    assert torch.equal(one, other)
    assert not torch.allclose(one, volumes, atol=0.05)
    apart = replace(dark, together=False)
    drawn = generator()
    one, other = (augment(volumes, covered, settings=apart, generator=drawn)[0] for _ in range(2))
    assert not torch.allclose(one, other, atol=0.05)
    drawn = generator()
    lit = replace(dark, brightness=0.3)
    one, other = (augment(volumes, covered, settings=lit, generator=drawn)[0] for _ in range(2))
    assert not torch.allclose(one, other, atol=0.01)
    assert not torch.allclose(one, augment(volumes, covered, settings=lit, generator=generator(1))[0], atol=0.01)
