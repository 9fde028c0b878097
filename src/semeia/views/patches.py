"""Where the tokens of a crop lie, square patches or rings around the axis, and which of them were scanned."""

import torch

from semeia.shapes import Planes, TokenMask
from semeia.views.crops import CropSettings


def patch_places(crop: CropSettings, geometry: str = "patches") -> torch.Tensor:
    """Place of every token in millimetres from the centre of the crop.

    Returns:
        [patches, 3] (depth, height, width) of patches; [layers * rings, 3] (depth, radius, 0) of rings.
    """
    depth, height, width = (
        (torch.arange(count) - (count - 1) / 2) * size * mm
        for count, size, mm in zip(crop.grid, crop.patch, crop.voxel_mm, strict=True)
    )
    if geometry == "rings":
        rings = crop.grid[1] // 2
        radius = (torch.arange(rings) + 0.5) * crop.patch[1] * crop.voxel_mm[1]
        axes = (depth, radius, torch.zeros(1))
    else:
        axes = (depth, height, width)
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3).float()


def patch_presence(covered: Planes, crop: CropSettings, geometry: str = "patches") -> TokenMask:
    """A token is there when at least one of its planes was scanned: [batch, depth] to [batch, tokens]."""
    layers, rows, columns = crop.grid
    beside = rows // 2 if geometry == "rings" else rows * columns
    scanned = covered.reshape(len(covered), layers, crop.patch[0]).any(2)
    return scanned[:, :, None].expand(-1, -1, beside).reshape(len(covered), -1)
