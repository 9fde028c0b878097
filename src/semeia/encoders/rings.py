"""Turn centred lesions into tokens that do not turn with the patient: one token a ring around the axis of scanning.

The crop is sampled on circles; two small layers read each angle together with its neighbours; mean and
standard deviation over the angles make the token. So a token sees its own ring, to the voxel that
interpolation shares with the next, and nothing else (it can be masked), and turning the crop changes nothing
but interpolation. Few labels learn size and edge from this far sooner than from square patches
(docs/studies/nodule-search.md has the figures).
"""

import torch
from torch import nn
from torch.nn import functional as F

from semeia.data.modalities import Volume
from semeia.encoders.present import of_present
from semeia.errors import InputError
from semeia.shapes import TokenMask, TokenValues, Volumes


class RingEmbedding(nn.Module):
    """Rings `patch[0]` voxels deep, `patch[1]` voxels wide, of one channel; the crop must be as high as wide.

    A ring is sampled at `angles` places, which a network of `channels` width reads.
    """

    maskable = True

    def __init__(self, dim: int, *, modality: Volume, angles: int = 32, channels: int = 32) -> None:
        super().__init__()
        crop = modality.crop
        if modality.channels != 1:
            raise InputError("rings read one channel; use patches for colours")
        if crop.voxels[1] != crop.voxels[2]:
            raise InputError(f"rings need a square plane, not {crop.voxels[1:]} voxels")
        self.deep, self.wide = crop.patch[:2]
        if crop.voxels[1] // 2 % self.wide:
            raise InputError(f"rings {self.wide} voxels wide do not divide the radius of {crop.voxels[1]} voxels")
        self.first = nn.Linear(3 * self.deep * self.wide, channels)
        self.second = nn.Linear(3 * channels, channels)
        self.leave = nn.Sequential(nn.LayerNorm(2 * channels), nn.Linear(2 * channels, dim))
        self.circles: torch.Tensor
        self.register_buffer("circles", circles(crop.voxels[1], angles), persistent=False)

    def forward(self, values: Volumes, present: TokenMask) -> TokenValues:
        """Voxels in [0, 1], [n, 1, depth, height, width], to [n, layers * rings, dim]; absent tokens are 0."""
        batch = values.shape[0]  # `len` would fix it in an exported graph
        around = F.grid_sample(values[:, 0] - 0.5, self.circles.expand(batch, -1, -1, -1), align_corners=False)
        layers, rings = around.shape[1] // self.deep, around.shape[2] // self.wide
        around = around.reshape(batch, layers, self.deep, rings, self.wide, -1)
        around = around.permute(0, 1, 3, 5, 2, 4).reshape(batch, layers * rings, around.shape[-1], -1)
        # Thin stacks leave most layers empty: only what was scanned is computed.
        return of_present(self._read, present, around)

    def _read(self, scanned: torch.Tensor) -> torch.Tensor:
        """Rings, [rings, angles, values], to tokens, [rings, dim]."""
        read = F.gelu(self.second(with_neighbours(F.gelu(self.first(with_neighbours(scanned)))))).float()
        mean = read.mean(1)
        spread = ((read.square().mean(1) - mean.square()).clamp(min=0) + 1e-5).sqrt()
        return self.leave(torch.cat([mean, spread], -1))


def with_neighbours(around: torch.Tensor) -> torch.Tensor:
    """Each angle with the one before and after it: [rings, angles, values] to [rings, angles, 3 * values]."""
    return torch.cat([around.roll(1, 1), around, around.roll(-1, 1)], -1)


def circles(width: int, angles: int) -> torch.Tensor:
    """Make the sampling grid, one circle a voxel of radius: [1, width // 2, angles, 2] in the [-1, 1] of
    `grid_sample`."""
    radius = (torch.arange(width // 2) + 0.5) * 2 / width
    angle = torch.arange(angles) * (2 * torch.pi / angles)
    return torch.stack([radius[:, None] * angle.cos(), radius[:, None] * angle.sin()], -1)[None]
