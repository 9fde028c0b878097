"""Read vectors with dates (signature expressions, frozen features of images): one token a region."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import polars as pl
import torch

from semeia.archive.store import Archive
from semeia.data.modality import Allocate, Arrays, Mask, Modality, Scale, Standardised, still_at_zero
from semeia.errors import InputError

CHUNK = 8192  # observations held in memory at a time


@dataclass(frozen=True)
class VectorScale(Scale):
    """The scale of features, of so many regions alike."""

    regions: int


@dataclass(frozen=True)
class Vector(Standardised):
    """Arrays [features] or [region, features] of the archive, all of one shape.

    Attributes:
        source: name of the arrays in the archive.
        fitted: None before `fit`.
    """

    large: ClassVar[bool] = True

    type: Literal["vector"] = "vector"
    fitted: VectorScale | None = None

    @property
    def embedding(self) -> str:
        """A linear layer."""
        return "linear"

    @property
    def features(self) -> int:
        """Width of a vector."""
        return len(self.known(self.fitted).mean)

    def find(self, archive: Archive) -> pl.DataFrame:
        """List the arrays of that name."""
        return archive.arrays(self.source)

    def read(self, archive: Archive, found: pl.DataFrame, allocate: Allocate) -> Arrays:
        """Read them all; refuse other shapes than the first."""
        shapes = found["shape"].unique().to_list()
        if len(shapes) > 1:
            raise InputError(f"{archive.path}: '{self.source}' has vectors of {len(shapes)} shapes; they must be alike")
        shape = tuple(shapes[0]) if shapes else (0, 0)
        values = allocate((found.height, *(shape if len(shape) == 2 else (1, *shape))), np.float32)
        for row, entry in enumerate(found.iter_rows(named=True)):
            values[row] = archive.pixels(entry)
        return self.arrays(values)

    def arrays(self, values: np.ndarray, names: tuple[str, ...] = ()) -> Arrays:
        """Take vectors from memory, [n, feature] or [n, region, feature]; a region with a NaN is missing."""
        shaped = values[:, None] if values.ndim == 2 else values
        if shaped.ndim != 3:
            raise InputError(f"vectors of shape {values.shape[1:]}: expected features, or regions x features")
        known = [np.isfinite(shaped[chunk]).all(-1) for chunk in _chunks(len(shaped))]
        return Arrays(shaped, np.concatenate([*known, np.empty((0, shaped.shape[1]), bool)]), names)

    def fit(self, arrays: Arrays, chosen: np.ndarray) -> "Vector":
        """Fit the scale of each feature on the regions of the training units."""
        if not arrays.mask[chosen].any():
            raise InputError(f"no '{self.source}' among the {len(chosen)} training units")
        mean, sd = _scale(arrays, chosen)
        return replace(self, fitted=VectorScale(tuple(mean.tolist()), tuple(sd.tolist()), arrays.values.shape[1]))

    def prepare(self, arrays: Arrays, chosen: np.ndarray) -> tuple[torch.Tensor, Mask]:
        """Standardise."""
        return torch.from_numpy(self.known(self.fitted)(arrays.values[chosen])), torch.from_numpy(arrays.mask[chosen])

    def require_same(self, other: Modality, arrays: Arrays) -> None:
        """Refuse vectors of another shape."""
        regions = self.known(self.fitted).regions
        if len(arrays) and arrays.values.shape[1:] != (regions, self.features):
            there = " x ".join(str(n) for n in arrays.values.shape[1:])
            words = f"{regions} x {self.features} numbers of '{self.source}'"
            raise InputError(f"the model reads {words}; the data have {there}")


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, count, CHUNK))


def _scale(arrays: Arrays, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each feature over all observed regions, in two passes, a chunk at a time."""

    def mean_of(center: np.ndarray | float, power: int) -> np.ndarray:
        total = np.zeros(arrays.values.shape[-1])
        for chunk in _chunks(len(chosen)):
            rows = chosen[chunk]
            total += ((arrays.values[rows][arrays.mask[rows]].astype(np.float64) - center) ** power).sum(0)
        return total / arrays.mask[chosen].sum()

    mean = mean_of(0.0, 1)
    return mean, still_at_zero(np.sqrt(mean_of(mean, 2)))
