"""Read signals (waveforms with several leads): one token a stretch of time, all leads of it together."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import polars as pl
import torch

from semeia.archive.store import Archive
from semeia.data.augment import AugmentSettings, uniform
from semeia.data.modality import Allocate, Arrays, Mask, Modality, Scale, Standardised, standard_scale
from semeia.errors import InputError


@dataclass(frozen=True)
class Signal(Standardised):
    """Arrays [lead, sample] of the archive.

    Attributes:
        source: name of the arrays in the archive.
        length: samples that are read, from the beginning; a shorter signal is marked as ending there.
        patch: samples of a token, dividing `length`.
        gain: largest relative change of amplitude, and
        shift: largest displacement in samples, of augmentation.
        fitted: None before `fit`.
    """

    large: ClassVar[bool] = True
    after_reading: ClassVar[tuple[str, ...]] = (*Modality.after_reading, "gain", "shift")

    type: Literal["signal"] = "signal"
    length: int = 1000
    patch: int = 50
    gain: float = 0.2
    shift: int = 10
    fitted: Scale | None = None

    def __post_init__(self) -> None:
        if self.patch < 1 or self.length < self.patch or self.length % self.patch:
            raise InputError(f"signal: patch {self.patch} does not divide the length {self.length}")

    @property
    def embedding(self) -> str:
        """A linear layer a stretch."""
        return "stretches"

    @property
    def leads(self) -> int:
        """Number of leads."""
        return len(self.known(self.fitted).mean)

    def numbers(self) -> int:
        """Samples of all leads."""
        return self.length * (len(self.fitted.mean) if self.fitted else 1)

    def find(self, archive: Archive) -> pl.DataFrame:
        """List the arrays of that name."""
        return archive.arrays(self.source)

    def read(self, archive: Archive, found: pl.DataFrame, allocate: Allocate) -> Arrays:
        """Cut each signal to the length that is read; mark what a shorter one, or one with NaN, lacks."""
        leads = {shape[0] for shape in found["shape"].to_list()}
        if len(leads) > 1:
            raise InputError(
                f"{archive.path}: '{self.source}' has signals of {sorted(leads)} leads; they must be alike"
            )
        values = allocate((found.height, leads.pop() if leads else 0, self.length), np.float32)
        mask = np.zeros((found.height, self.length // self.patch), bool)
        for row, entry in enumerate(found.iter_rows(named=True)):
            signal = archive.pixels(entry)[:, : self.length]
            values[row, :, : signal.shape[1]] = signal
            mask[row, : signal.shape[1] // self.patch] = True
            mask[row] &= self._whole(np.asarray(values[row]))
        return Arrays(values, mask)

    def arrays(self, values: np.ndarray, names: tuple[str, ...] = ()) -> Arrays:
        """Take signals from memory, [n, lead, sample]; a stretch with a NaN is missing."""
        if values.ndim != 3 or values.shape[2] < self.length:
            raise InputError(f"signals of shape {values.shape[1:]}: expected leads x at least {self.length} samples")
        return Arrays(values[..., : self.length], self._whole(values[..., : self.length]), names)

    def _whole(self, signals: np.ndarray) -> np.ndarray:
        """Say which stretches of signals [..., lead, sample] have every number, [..., stretch]."""
        stretches = signals.reshape(*signals.shape[:-1], -1, self.patch)
        return np.asarray(np.isfinite(stretches).all((-3, -1)))

    def fit(self, arrays: Arrays, chosen: np.ndarray) -> "Signal":
        """Fit the scale of each lead on the training units."""
        if not arrays.mask[chosen].any():
            raise InputError(f"no '{self.source}' among the {len(chosen)} training units")
        known = np.where(np.repeat(arrays.mask[chosen], self.patch, 1)[:, None], arrays.values[chosen], np.nan)
        mean, sd = standard_scale(known.astype(np.float64), (0, 2))
        return replace(self, fitted=Scale(tuple(mean.tolist()), tuple(sd.tolist())))

    def prepare(self, arrays: Arrays, chosen: np.ndarray) -> tuple[torch.Tensor, Mask]:
        """Standardise lead by lead."""
        scaled = self.known(self.fitted)(arrays.values[chosen], behind=1)
        return torch.from_numpy(scaled), torch.from_numpy(arrays.mask[chosen])

    def augment(
        self, values: torch.Tensor, mask: Mask, *, stage: AugmentSettings, generator: torch.Generator
    ) -> tuple[torch.Tensor, Mask]:
        """Change the amplitude of each lead, and move all leads together in time.

        A sample whose new value would come from what is missing stays as it is.
        """
        gain = 1 + self.gain * uniform((*values.shape[:2], 1), generator).to(values.device)
        moved = torch.randint(-self.shift, self.shift + 1, (len(values),), generator=generator)
        index = (torch.arange(values.shape[2]) + moved[:, None]).clamp(0, values.shape[2] - 1).to(values.device)
        known = mask.repeat_interleave(self.patch, 1).gather(1, index)
        shifted = values.gather(2, index[:, None].expand_as(values))
        return torch.where(known[:, None], shifted, values) * gain, mask

    def require_same(self, other: Modality, arrays: Arrays) -> None:
        """Refuse signals of another number of leads or another length."""
        super().require_same(other, arrays)
        if len(arrays) and arrays.values.shape[1] != self.leads:
            there = arrays.values.shape[1]
            raise InputError(f"the model reads {self.leads} leads of '{self.source}'; the data have {there}")
