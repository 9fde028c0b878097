"""Hold the preprocessing manifest: what must be the same at training and at inference, and whose patients it saw.

This is also the one place where data, manifest and chance meet to become a batch.

The manifest is written into every checkpoint; a model refuses data that were prepared otherwise.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from semeia.data.augment import AugmentSettings
from semeia.data.batch import Batch, Seen
from semeia.data.dataset import Dataset, Observed
from semeia.data.fingerprint import Fingerprint, fingerprint
from semeia.data.modality import Modality
from semeia.errors import InputError
from semeia.spread import read_by_rows

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Preprocessing:
    """How raw units become a batch.

    Attributes:
        modalities: fitted, by name, in the order of the encoder's kinds.
        fitted_on: the patients that all this, and the model that carries it, saw.
    """

    modalities: dict[str, Modality]
    fitted_on: Fingerprint

    @property
    def names(self) -> tuple[str, ...]:
        """Of the modalities."""
        return tuple(self.modalities)

    def only(self, names: tuple[str, ...]) -> "Preprocessing":
        """Take some of the modalities."""
        return replace(self, modalities={name: one for name, one in self.modalities.items() if name in names})

    def seen_from(self, folder: Path) -> "Preprocessing":
        """Name files that it is read with relative to a folder."""
        return replace(self, modalities={name: one.seen_from(folder) for name, one in self.modalities.items()})

    def found_from(self, folder: Path) -> "Preprocessing":
        """Name them as they stand."""
        return replace(self, modalities={name: one.found_from(folder) for name, one in self.modalities.items()})

    def require_same(self, data: Dataset) -> None:
        """Refuse data prepared otherwise."""
        for name, modality in self.modalities.items():
            if name in data.observations:
                modality.require_same(data.modalities[name], data.observations[name].arrays)


def fit_preprocessing(data: Dataset, rows: np.ndarray, *, modalities: tuple[str, ...]) -> Preprocessing:
    """Fit every modality on the observations of some units, and remember whose they were."""
    fitted: dict[str, Modality] = {}
    for name in modalities:
        if name not in data.observations:
            raise InputError(f"no modality '{name}'; the data have {', '.join(data.observations) or 'none'}")
        chosen = data.observations[name].of_rows(rows)
        if not len(chosen) or not data.observations[name].arrays.mask[chosen].any():
            raise InputError(f"no {name} among the {len(rows)} training units")
        fitted[name] = data.modalities[name].fit(data.observations[name].arrays, chosen)
    return Preprocessing(fitted, fingerprint(data, rows))


def make_batch(
    data: Dataset,
    rows: np.ndarray,
    *,
    preprocessing: Preprocessing,
    augmentation: AugmentSettings | None = None,
    generator: torch.Generator | None = None,
    views: int = 1,
    device: torch.device = CPU,
) -> Batch:
    """Make what a model sees of some units; augmented on the device when settings and a generator are given.

    Args:
        views: with 2, another augmented view of what is augmented comes along (`Batch.second`).
    """
    modalities: dict[str, Seen] = {}
    second: dict[str, Seen] = {}
    for name, modality in preprocessing.modalities.items():
        if name not in data.observations or not len(data.observations[name].arrays):
            continue
        values, mask, slot, when = _gathered(data.observations[name], rows, modality, device)
        for view in range(views if modality.augmented else 1):
            seen = values, mask
            if augmentation is not None and generator is not None:
                seen = modality.augment(values, mask, stage=augmentation, generator=generator)
            (second if view else modalities)[name] = _seen(modality, *seen, slot=slot, when=when)
    if not modalities:
        raise InputError(f"the data have no observation of {', '.join(preprocessing.names)}: there is nothing to read")
    return Batch(modalities, second=second)


def _gathered(
    observed: Observed, rows: np.ndarray, modality: Modality, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor, np.ndarray, torch.Tensor]:
    """Gather values and mask of all visits of the rows, one after another; slots [batch, visit] and months."""
    slot = observed.slot[rows]
    # Visits that no unit of the batch has are not carried along.
    slot = slot[:, : max(int((slot >= 0).sum(1).max()), 1)] if len(slot) else slot
    when = torch.from_numpy(observed.when[rows][:, : slot.shape[1]])
    flat = slot.reshape(-1)
    values, mask = read_by_rows(partial(modality.prepare, observed.arrays), flat.clip(0), device=device)
    gone = torch.from_numpy(flat < 0).to(device)
    mask = mask & ~gone.reshape(-1, *[1] * (mask.ndim - 1))
    return values, mask, slot, when.to(device)


def _seen(
    modality: Modality, values: torch.Tensor, mask: torch.Tensor, *, slot: np.ndarray, when: torch.Tensor
) -> Seen:
    batch, visits = slot.shape
    present = modality.present(mask)
    return Seen(
        values=values.unflatten(0, (batch, visits)),
        present=present.unflatten(0, (batch, visits)),
        where=modality.placed(present.shape[1], when),
        when=when,
    )
