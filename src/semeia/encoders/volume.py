"""Embed images: a linear patch embedding (each token sees its own patch and nothing else, so it can be
masked) and a light convolutional one (a token sees across its border, so only whole images can be masked).
"""

from itertools import pairwise

import torch
from torch import nn

from semeia.data.crops import CropSettings
from semeia.data.modalities import Volume
from semeia.errors import InputError
from semeia.shapes import TokenMask, TokenValues, Volumes


class PatchEmbedding(nn.Module):
    """Non-overlapping patches, flattened and projected (Dosovitskiy et al. 2021, eq. 1; here of any
    depth)."""

    maskable = True

    def __init__(self, dim: int, *, modality: Volume) -> None:
        super().__init__()
        from einops.layers.torch import Rearrange

        self.crop = modality.crop
        depth, height, width = self.crop.patch
        self.pixels = modality.channels * depth * height * width
        self.project = nn.Sequential(
            Rearrange("b c (z d) (y h) (x w) -> b (z y x) (c d h w)", d=depth, h=height, w=width),
            nn.Linear(self.pixels, dim),
        )

    def forward(self, values: Volumes, present: TokenMask) -> TokenValues:
        """Voxels in [0, 1], [n, channel, depth, height, width], to [n, patches, dim]."""
        return self.project(scanned(values, present, self.crop) - 0.5)


class ConvEmbedding(nn.Module):
    """Strided convolutions in the plane, shared by all slices, down to one token a patch (2.5-D: thin
    stacks)."""

    maskable = False

    def __init__(self, dim: int, *, modality: Volume) -> None:
        super().__init__()
        from einops.layers.torch import Rearrange
        from monai.networks.blocks.convolutions import Convolution

        crop = self.crop = modality.crop
        depth, height, width = crop.patch
        halvings = (height & -height).bit_length() - 1
        if height != width or height != 2**halvings or not halvings:
            raise InputError(f"conv halves the plane: patch {crop.patch} must be square, 2, 4, 8, ... wide")
        # Multiples of 8, so that they can be normalised in groups.
        channels = [modality.channels, *(max((dim >> (halvings - i)) // 8 * 8, 8) for i in range(1, halvings)), dim]
        layers: list[nn.Module] = []
        for step, (before, after) in enumerate(pairwise(channels)):
            # The last stride also spans the patch's depth, so that a 3-D patch still becomes one token.
            deep = depth if step == halvings - 1 else 1
            layers.append(
                Convolution(
                    3,
                    before,
                    after,
                    strides=(deep, 2, 2),
                    kernel_size=(deep if deep % 2 else deep + 1, 3, 3),
                    norm=("GROUP", {"num_groups": 4}),
                    act="GELU",
                )
            )
        self.layers = nn.Sequential(*layers, Rearrange("b c z y x -> b (z y x) c"))

    def forward(self, values: Volumes, present: TokenMask) -> TokenValues:
        """Voxels in [0, 1], [n, channel, depth, height, width], to [n, patches, dim]."""
        return self.layers(scanned(values, present, self.crop) - 0.5)


def scanned(volumes: Volumes, present: TokenMask, crop: CropSettings) -> Volumes:
    """Set voxels of absent patches to 0, whatever they hold: not even a NaN there may reach a weight."""
    there = present.unflatten(1, crop.grid)
    for axis, size in enumerate(crop.patch, start=1):
        there = there.repeat_interleave(size, axis)
    return torch.where(there[:, None], volumes, 0.0)
