"""Resample an image to the crop a network sees, a fixed number of voxels of a fixed size in millimetres, and cut it in
tokens: square patches, or rings around the axis.

What was not scanned is marked, never invented: it is 0 in `voxels` and False in `covered`.
"""

from dataclasses import dataclass, field

import numpy as np
import torch

from semeia.data.pictures import TAILS, PictureSettings, planes_of
from semeia.errors import InputError
from semeia.shapes import Planes, TokenMask

# Lung window, width 1500 HU around -600: air to soft tissue (the usual reading window for nodules).
LUNG_WINDOW_HU = (-1350.0, 150.0)


@dataclass(frozen=True)
class CropSettings:
    """The grid of a crop. `patch` divides it into tokens; a patch one voxel deep makes the 2.5-D variant.

    Attributes:
        voxels: grid size (depth, height, width).
        voxel_mm: edge of a voxel (depth, height, width), in millimetres.
        patch: size of a token in voxels (depth, height, width), dividing `voxels`; of rings
            (`patch_places`), the depth, the width of a ring, and again its width.
        window_hu: lower and upper bound mapped to 0 and 1, where the intensity is in Hounsfield units.
        picture: how pictures without a spacing fill the plane.
    """

    voxels: tuple[int, int, int] = (32, 32, 32)
    voxel_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    patch: tuple[int, int, int] = (4, 2, 2)
    window_hu: tuple[float, float] = LUNG_WINDOW_HU
    picture: PictureSettings = field(default_factory=PictureSettings)

    def __post_init__(self) -> None:
        if min(*self.voxels, *self.patch) < 1 or min(self.voxel_mm) <= 0:
            raise InputError(f"crop: voxels {self.voxels}, patch {self.patch} and voxel_mm must be above 0")
        if self.window_hu[0] >= self.window_hu[1]:
            raise InputError(f"crop: window_hu {self.window_hu} must rise")
        if any(v % p for v, p in zip(self.voxels, self.patch, strict=True)):
            raise InputError(f"crop: patch {self.patch} does not divide the grid {self.voxels}")

    @property
    def grid(self) -> tuple[int, int, int]:
        """Number of patches along depth, height and width."""
        depth, height, width = (v // p for v, p in zip(self.voxels, self.patch, strict=True))
        return depth, height, width


@dataclass(frozen=True)
class Crop:
    """One resampled image: `voxels` float32 [channel, depth, height, width] in [0, 1]; `covered` bool [depth]."""

    voxels: np.ndarray
    covered: np.ndarray


def rescale(array: np.ndarray, intensity: str, window_hu: tuple[float, float]) -> np.ndarray:
    """Intensities to [0, 1]: a window where they are Hounsfield units, the image's own 1st to 99th percentile where
    they have no unit, the dtype's range where they are 8 or 16 bit."""
    if intensity in ("hu", "arbitrary"):
        low, high = window_hu if intensity == "hu" else np.percentile(array, TAILS)
        return np.clip((array.astype(np.float32) - low) / max(high - low, 1e-6), 0.0, 1.0)
    if array.dtype.kind == "u":
        return array.astype(np.float32) / float(np.iinfo(array.dtype).max)
    raise InputError(f"image of kind '{intensity}' holds {array.dtype}: expected hu, or unsigned integers")


def crop_image(
    array: np.ndarray, spacing: list[float] | None, *, intensity: str, settings: CropSettings, channels: int = 1
) -> Crop:
    """Resample an image (x, y, z) to the grid of `settings` by trilinear interpolation around its centre.

    Args:
        array: native voxels, axes x, y, z; or a picture, axes row, column and perhaps colour.
        spacing: millimetres per voxel along x, y, z; None: a picture (data/pictures.py).
        intensity: "hu", "per_slice_stretched", "display" or "arbitrary" (see archive/schema.py).
        channels: of a picture, 1 or 3.
    """
    from scipy.ndimage import affine_transform

    depth, *plane = settings.voxels
    if spacing is None:
        flat = planes_of(array, size=(plane[0], plane[1]), settings=settings.picture, channels=channels)
        return Crop(voxels=np.repeat(flat[:, None], depth, axis=1), covered=np.ones(depth, bool))
    scaled = rescale(array, intensity, settings.window_hu)
    # Volumes come as x, y, z; networks see depth, height, width.
    native = scaled[None] if scaled.ndim == 2 else scaled.transpose(2, 1, 0)
    if len(spacing) != 3:
        native_mm = np.asarray(settings.voxel_mm) * settings.voxels / native.shape
    else:
        native_mm = np.asarray(spacing, float)[::-1]
    step = np.asarray(settings.voxel_mm) / native_mm
    offset = (np.asarray(native.shape) - 1) / 2 - step * (np.asarray(settings.voxels) - 1) / 2
    voxels = affine_transform(
        native,
        step,
        offset,  # pyright: ignore[reportArgumentType]  (scipy's stub knows a scalar offset only)
        settings.voxels,
        np.float32,
        order=1,
        mode="nearest",
    )
    centres = [(np.arange(n) - (n - 1) / 2) * mm for n, mm in zip(settings.voxels, settings.voxel_mm, strict=True)]
    # An image thinner than a voxel (one thin slice) still covers the planes nearest to it.
    halves = np.maximum(native.shape * native_mm, settings.voxel_mm) / 2
    inside = [np.abs(centre) <= half + 1e-6 for centre, half in zip(centres, halves, strict=True)]
    voxels *= inside[0][:, None, None] & inside[1][:, None] & inside[2]
    return Crop(voxels=np.clip(voxels, 0.0, 1.0)[None], covered=inside[0])


def patch_places(crop: CropSettings, geometry: str = "patches") -> torch.Tensor:
    """Place every token in millimetres from the centre of the crop.

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
    """Count a token as present when at least one of its planes was scanned: [batch, depth] to [batch, tokens]."""
    layers, rows, columns = crop.grid
    beside = rows // 2 if geometry == "rings" else rows * columns
    scanned = covered.reshape(len(covered), layers, crop.patch[0]).any(2)
    return scanned[:, :, None].expand(-1, -1, beside).reshape(len(covered), -1)
