"""Read pictures (radiographs, endoscopies, photographs): no scale in millimetres, one channel or three."""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import polars as pl

from semeia.archive.store import Archive
from semeia.data.crops import CropSettings
from semeia.data.modalities.volume import Volume, readable
from semeia.data.modality import Arrays
from semeia.errors import InputError


@dataclass(frozen=True)
class Picture(Volume):
    """Images without a spacing.

    Attributes:
        crop: grid of the plane, one voxel deep; `crop.picture` says how a picture fills it.
        network: "patches", "conv", "resnet18", "resnet50" or "efficientnet_lite0".
        colours: channels; 0 before an archive or a fit has decided.
    """

    type: Literal["picture"] = "picture"  # pyright: ignore[reportIncompatibleVariableOverride]
    crop: CropSettings = field(default_factory=lambda: CropSettings(voxels=(1, 64, 64), patch=(1, 8, 8)))
    network: Literal["rings", "patches", "conv", "resnet18", "resnet50", "efficientnet_lite0"] = "patches"  # pyright: ignore[reportIncompatibleVariableOverride]
    colours: int = 0

    @property
    def channels(self) -> int:
        """1 or 3."""
        return self.colours or 1

    def _mine(self) -> pl.Expr:
        form = pl.col("spacing").is_null()
        return form & pl.col("intensity").is_in(self.values) if self.values else form

    def of_archive(self, archive: Archive) -> "Picture":
        """Take three channels where any picture has colours and the settings keep them."""
        known = replace(self, values=super().of_archive(archive).values)
        if self.colours or self.crop.picture.colour == "gray":
            return replace(known, colours=self.colours or 1)
        images = readable(archive, self.source).filter(self._mine())
        return replace(known, colours=3 if (images["shape"].list.len() == 3).any() else 1)

    def of_values(self, values: np.ndarray) -> "Picture":
        """Take as many channels as the pictures have colours."""
        return self if self.colours else replace(self, colours=values.shape[3] if values.ndim == 4 else 1)

    def prepared(self) -> str:
        """Say the size, the channels and what became of the levels."""
        height, width = self.crop.voxels[1:]
        picture = self.crop.picture
        levels = "stretched between their own 1st and 99th percentile" if picture.levels == "picture" else ""
        words = f"pictures are brought to {height} \u00d7 {width} pixels, {self.channels} channel(s)"
        hidden = f"{len(picture.hidden)} fixed part(s) made black" if picture.hidden else ""
        derived = f"shown as {picture.derive.replace('_', ' ')} (derived, not taken)" if picture.derive else ""
        return ", ".join(filter(None, (words, levels, derived, hidden)))

    def arrays(self, values: np.ndarray, names: tuple[str, ...] = ()) -> Arrays:
        """Take planes from memory: [n, height, width], with or without colours last; [0, 1], or 8 bits."""
        last = values if values.ndim == 4 else values[..., None]
        if last.ndim != 4 or last.shape[1:3] != self.crop.voxels[1:] or last.shape[3] != self.channels:
            words = f"{self.crop.voxels[1:]} with {self.channels} channel(s)"
            raise InputError(f"pictures of shape {values.shape[1:]} do not fit {words}")
        return super().arrays(np.moveaxis(last, 3, 1)[:, :, None], names)
