"""Read volumes (CT crops): resampled to millimetres, in rings or patches, moved as the stage says."""

from dataclasses import dataclass, field, replace
from math import prod
from typing import ClassVar, Literal

import numpy as np
import polars as pl
import torch
from jaxtyping import Float

from semeia.archive.store import Archive
from semeia.data.augment import AugmentSettings, augment
from semeia.data.crops import CropSettings, crop_image, patch_places, patch_presence
from semeia.data.modality import Allocate, Arrays, Mask, Modality
from semeia.errors import InputError
from semeia.shapes import TokenMask

MASK, HOUNSFIELD = "mask", "hu"
UNLIKE = 0.2  # share of images outside of what 98 in 100 are within, above which it is said
_BESIDE = 0.05  # of the whole scale; images so near to those trained on are taken for alike
_LOOKED_AT = 1000


@dataclass(frozen=True)
class Volume(Modality):
    """Images with a spacing in millimetres.

    Attributes:
        source: image type, as in the archive (img8, hu, ...); empty: all but masks, and Hounsfield volumes only where
            a whole archive is in Hounsfield units (that a file is there at all can carry the label, see the audit).
        crop: grid of the crops.
        network: how a crop becomes tokens.
        values: what the values of the images are (`INTENSITIES` of archive/schema.py); none named: as in the archive
            that is trained on.
        augmentation: how far a crop is moved; None: as the stage of training says.
        fitted: between which means, of 0 to 1, 98 in 100 of the training crops lie; None before `fit`.
    """

    called: ClassVar[str] = "image"
    large: ClassVar[bool] = True
    after_reading: ClassVar[tuple[str, ...]] = (*Modality.after_reading, "network", "augmentation")

    type: Literal["volume"] = "volume"
    crop: CropSettings = field(default_factory=CropSettings)
    network: Literal["rings", "patches", "conv"] = "rings"
    values: tuple[str, ...] = ()
    augmentation: AugmentSettings | None = None
    fitted: tuple[float, float] | None = None

    @property
    def embedding(self) -> str:
        """As set."""
        return self.network

    @property
    def channels(self) -> int:
        """Of the values."""
        return 1

    @property
    def geometry(self) -> str:
        """Whether tokens are rings or patches."""
        return "rings" if self.network == "rings" else "patches"

    def find(self, archive: Archive) -> pl.DataFrame:
        """List the images of this form whose values are of the right kind, in the order of their ids."""
        return readable(archive, self.source).filter(self._mine())

    def _mine(self) -> pl.Expr:
        form = pl.col("spacing").is_not_null()
        return form & pl.col("intensity").is_in(self.values) if self.values else form

    def of_archive(self, archive: Archive) -> "Volume":
        """Remember what the values of its images are."""
        kinds = readable(archive, self.source).filter(self._mine())["intensity"].unique().sort()
        return self if self.values else replace(self, values=tuple(kinds))

    def require_same(self, other: Modality, arrays: Arrays) -> None:
        """Refuse images that were read otherwise; what the values of arrays from memory are, their owner knows."""
        if isinstance(other, Volume) and not (self.values and other.values):
            other = replace(other, values=self.values)
        super().require_same(other, arrays)

    def fit(self, arrays: Arrays, chosen: np.ndarray) -> "Volume":
        """Remember how bright the training crops are."""
        low, high = np.percentile(mean_levels(arrays, chosen), (1, 99))
        return replace(self, fitted=(round(float(low), 4), round(float(high), 4)))

    def unlike(self, arrays: Arrays) -> str:
        """Say that crops are darker or brighter than those trained on: another window, scale, scanner or body part."""
        if self.fitted is None or not len(arrays):
            return ""
        low, high = self.fitted
        levels = mean_levels(arrays, np.arange(len(arrays)))
        outside = float(((levels < low - _BESIDE) | (levels > high + _BESIDE)).mean())
        if outside <= UNLIKE:
            return ""
        return (
            f"{outside:.0%} of these images are darker or brighter (median {np.median(levels):.2f} of 0 to 1) than "
            f"98 in 100 of those the model was trained on ({low:.2f} to {high:.2f}): is the scale, the window, the "
            "scanner or the part of the body another? Scores on them may mean little"
        )

    def numbers(self) -> int:
        """Voxels of all channels."""
        return prod(self.crop.voxels) * self.channels

    def require_readable(self, archive: Archive) -> None:
        """Refuse an archive whose images are all of another form or of other values."""
        images = readable(archive, "")
        if images.height:
            flat = int(images["spacing"].is_null().sum())
            kinds = ", ".join(images["intensity"].unique().sort())
            raise InputError(
                f"the model was trained on {self.describe()}; this archive holds {flat} pictures and "
                f"{images.height - flat} volumes ({kinds}): scores on another type of image mean nothing"
            )

    def left_out(self, archive: Archive) -> dict[str, int]:
        """Count the images of other kinds, and those without (or with) a spacing."""
        every = archive.table("images").filter(pl.col("kind") != MASK)
        images = readable(archive, self.source)
        other = images.filter(~self._mine()).height
        words = f"images that are no {type(self).__name__.lower()}s"
        return {f"images of other kinds than {self.source or 'those read'}": every.height - images.height, words: other}

    def read(self, archive: Archive, found: pl.DataFrame, allocate: Allocate) -> Arrays:
        """Crop every image, quantised to 8 bits, and remember which planes were scanned."""
        values = allocate((found.height, self.channels, *self.crop.voxels), np.uint8)
        covered = np.zeros((found.height, self.crop.voxels[0]), bool)
        for row, image in enumerate(found.iter_rows(named=True)):
            pixels, spacing = archive.pixels(image), image["spacing"]
            values[row], covered[row] = self.cropped(pixels, spacing, intensity=image["intensity"])
        return Arrays(values, covered)

    def cropped(
        self, pixels: np.ndarray, spacing: list[float] | None, *, intensity: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Crop one image, quantised to 8 bits: [channel, depth, height, width], and which planes were scanned."""
        made = crop_image(pixels, spacing, intensity=intensity, settings=self.crop, channels=self.channels)
        return np.rint(made.voxels * 255).astype(np.uint8), made.covered

    def arrays(self, values: np.ndarray, names: tuple[str, ...] = ()) -> Arrays:
        """Take crops from memory: [n, depth, height, width] or with channels second; [0, 1], or 8 bits.

        A plane with a NaN was not scanned.
        """
        shaped = values[:, None] if values.ndim == 4 else values
        if shaped.ndim != 5 or shaped.shape[1:] != (self.channels, *self.crop.voxels):
            words = f"{self.channels} channel(s) of {self.crop.voxels}"
            raise InputError(f"{type(self).__name__.lower()}s of shape {values.shape[1:]} do not fit {words}")
        if shaped.dtype == np.uint8:
            return Arrays(shaped, np.ones((len(shaped), self.crop.voxels[0]), bool), names)
        if shaped.dtype.kind != "f" or ((shaped < 0) | (shaped > 1)).any():
            raise InputError(f"{type(self).__name__.lower()}s from memory hold 8 bits (uint8), or numbers from 0 to 1")
        return Arrays(shaped, ~np.asarray(np.isnan(shaped).any((1, 3, 4))), names)

    def prepare(self, arrays: Arrays, chosen: np.ndarray) -> tuple[torch.Tensor, Mask]:
        """Scale 8 bits to [0, 1]."""
        values, mask = super().prepare(arrays, chosen)
        return (values.float() / 255 if values.dtype == torch.uint8 else values.float()), mask

    def augment(
        self, values: torch.Tensor, mask: Mask, *, stage: AugmentSettings, generator: torch.Generator
    ) -> tuple[torch.Tensor, Mask]:
        """Move, mirror and re-light."""
        return augment(values, mask, settings=self.augmentation or stage, generator=generator)

    def present(self, mask: Mask) -> TokenMask:
        """Count a token as there when any of its planes was scanned."""
        return patch_presence(mask, self.crop, self.geometry)

    def places(self, tokens: int) -> Float[torch.Tensor, "token 3"]:
        """Place tokens in millimetres from the centre."""
        return patch_places(self.crop, self.geometry)

    def prepared(self) -> str:
        """Say the grid and what became of the values."""
        size, edge = (" \u00d7 ".join(f"{n:g}" for n in each) for each in (self.crop.voxels, self.crop.voxel_mm))
        low, high = (f"{value:g}".replace("-", "\u2212") for value in self.crop.window_hu)
        values = {
            "hu": f"Hounsfield units from {low} to {high} are mapped to 0 to 1",
            "arbitrary": "values are scaled between the volume\u2019s own 1st and 99th percentile",
        }
        usual = "stored grey values are divided by the largest of their type"
        kinds = dict.fromkeys(values.get(kind, usual) for kind in self.values)
        return "; ".join([f"images are cut around the unit to {size} voxels of {edge} mm", *kinds])

    def describe(self) -> str:
        """Say the grid and the source."""
        size = " x ".join(str(count) for count in self.crop.voxels)
        values = f" ({', '.join(self.values)})" if self.values else ""
        return f"{type(self).__name__.lower()}s{values} of {size} voxels, {self.channels} channel(s)"


def mean_levels(arrays: Arrays, chosen: np.ndarray) -> Float[np.ndarray, " n"]:
    """Mean of the crops, 0 to 1; of many crops of a thousand taken evenly."""
    some = chosen[:: -(-len(chosen) // _LOOKED_AT)]
    scale = 255.0 if arrays.values.dtype == np.uint8 else 1.0
    return np.array([float(np.nanmean(arrays.values[row])) / scale for row in some])


def readable(archive: Archive, source: str) -> pl.DataFrame:
    """List the images of an archive that a model may read, in the order of their ids; see `Volume.source`."""
    images = archive.table("images").filter(pl.col("kind") != MASK).sort("image_id")
    if source:
        return images.filter(pl.col("kind") == source)
    others = images.filter(pl.col("kind") != HOUNSFIELD)
    return others if others.height else images
