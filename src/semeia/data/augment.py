"""Augment a whole batch of crops at once, from an explicit generator.

What a label can hang on is kept by default: lengths (there is no zoom), the order of slices up to a mirror, and the
covered extent.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from semeia.ranges import FROM_0, Range, require_ranges
from semeia.shapes import Planes, Volumes


@dataclass(frozen=True)
class AugmentSettings:
    """How far a crop may be moved.

    Attributes:
        degrees: largest rotation in the axial plane.
        shift: largest displacement in the plane, in voxels.
        contrast: largest relative change of contrast.
        brightness: largest change of brightness, in units of the [0, 1] range.
        flip: mirror along width and depth, each with probability one half; upside down only by rotation.
        zoom: largest share by which the field of view shrinks, around a point drawn so that it stays inside: a random
            resized crop that keeps proportions. For pictures without a scale only: it hides size.
        gamma: largest logarithm of an exponent on the intensities (exposure of a radiograph).
        noise: largest standard deviation of white noise.
        together: whether all modalities of a unit (and its views) are moved and mirrored alike, as registered pictures
            of one scene lie on each other; their light still differs.
    """

    degrees: float = 180.0
    shift: float = 2.0
    contrast: float = 0.2
    brightness: float = 0.1
    flip: bool = True
    zoom: float = 0.0
    gamma: float = 0.0
    noise: float = 0.0
    together: bool = False

    def __post_init__(self) -> None:
        amounts = ("degrees", "shift", "contrast", "brightness", "gamma", "noise")
        require_ranges("augmentation", self, dict.fromkeys(amounts, FROM_0) | {"zoom": Range(0, 1, below=True)})


# Radiographs stand upright and have no scale; left and right mirror each other, exposures differ.
RADIOGRAPH = AugmentSettings(
    degrees=10.0, shift=0.0, contrast=0.3, brightness=0.15, flip=True, zoom=0.4, gamma=0.3, noise=0.03
)


def uniform(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """Draw uniformly on [-1, 1]."""
    return torch.rand(shape, generator=generator) * 2 - 1


def augment(
    volumes: Volumes, covered: Planes, *, settings: AugmentSettings, generator: torch.Generator
) -> tuple[Volumes, Planes]:
    """Rotate, mirror, shift and re-light each crop of a batch, all slices and channels of one alike.

    Args:
        volumes: voxels in [0, 1], [batch, channel, depth, height, width].
        covered: scanned planes, [batch, depth]; mirrored with the voxels.
        generator: the only source of randomness (on the CPU, so that every device draws the same).
    """
    batch, channels, depth, height, width = volumes.shape
    device = volumes.device
    # One generator goes through all modalities of a batch: its first seed is the same for each.
    places = torch.Generator().manual_seed(generator.initial_seed() ^ 1) if settings.together else generator
    angle = uniform((batch,), places) * torch.pi * settings.degrees / 180
    mirror = torch.ones(batch, 2)
    if settings.flip:
        mirror = torch.where(uniform((batch, 2), places) < 0, -1.0, 1.0)
    shift = uniform((batch, 2), places) * settings.shift * 2 / torch.tensor([width, height])
    cosine, sine = angle.cos(), angle.sin()
    if settings.zoom:
        seen = 1 - settings.zoom * torch.rand((batch,), generator=places)
        shift = shift + (1 - seen)[:, None] * uniform((batch, 2), places)
        cosine, sine = cosine * seen, sine * seen
    # affine_grid counts each side as 2: the ratio of sides keeps a rotation a rotation where they differ.
    rows = [torch.stack([cosine * mirror[:, 0], -sine * height / width, shift[:, 0]], 1)]
    rows.append(torch.stack([sine * mirror[:, 0] * width / height, cosine, shift[:, 1]], 1))
    theta = torch.stack(rows, 1).to(device)
    planes = volumes.reshape(batch, channels * depth, height, width)
    grid = F.affine_grid(theta, list(planes.shape), align_corners=False)
    planes = F.grid_sample(planes, grid, padding_mode="zeros", align_corners=False)
    volumes = planes.reshape(batch, channels, depth, height, width)
    if depth > 1:
        upside_down = (mirror[:, 1] < 0).to(device)
        volumes = torch.where(upside_down[:, None, None, None, None], volumes.flip(2), volumes)
        covered = torch.where(upside_down[:, None], covered.flip(1), covered)
    return _relit(volumes, settings, generator).mul_(covered[:, None, :, None, None]), covered


def _relit(volumes: Volumes, settings: AugmentSettings, generator: torch.Generator) -> Volumes:
    """Give each crop another exposure, contrast, brightness and noise, in [0, 1]; in place, to save memory."""
    each, device = (len(volumes), 1, 1, 1, 1), volumes.device
    if settings.gamma:
        exponent = torch.exp(settings.gamma * uniform(each, generator)).to(device)
        volumes.clamp_(min=0).pow_(exponent)
    contrast = 1 + settings.contrast * uniform(each, generator).to(device)
    brightness = settings.brightness * uniform(each, generator).to(device)
    volumes.sub_(0.5).mul_(contrast).add_(0.5).add_(brightness)
    if settings.noise:
        strength = settings.noise * torch.rand(each, generator=generator)
        volumes.add_(torch.randn(volumes.shape, generator=generator).mul_(strength).to(device))
    return volumes.clamp_(0, 1)
