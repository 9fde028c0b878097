"""What a model sees of a batch of patients: one `View` a modality, each with its mask of what is there.

A modality that a patient lacks has `present` False throughout; its values are never read. Deleting a modality
and masking it are the same thing (`without`), and both are tested.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from semeia.errors import InputError
from semeia.shapes import Labels, ModalityMask, TokenMask, TokenPlace, TokenTime

# What the other augmentation of a modality is called: `image@2` beside `image`.
OTHER = "@2"


@dataclass(frozen=True)
class View:
    """One modality of a batch.

    Attributes:
        values: the raw array, [batch, depth, height, width] of an image or [batch, items] of a reading.
        present: which of its tokens were observed, [batch, length].
        where: place of each token, [batch, length, 3]: millimetres from the image's centre (depth, height,
            width), or (item number, 0, 0) for the items of a reading.
        when: months before the index date, [batch, length]; None where the archive has no dates.
    """

    values: Tensor
    present: TokenMask
    where: TokenPlace
    when: TokenTime | None = None


@dataclass(frozen=True)
class Views:
    """The modalities of a batch, by name, all with the same first axis; and labels in {0, 1}, if there
    are."""

    modalities: dict[str, View]
    labels: Labels | None = None

    def __len__(self) -> int:
        return len(next(iter(self.modalities.values())).present)

    def observed(self) -> ModalityMask:
        """Which modalities each patient has, [batch, modality] in the order of the names."""
        return torch.stack([view.present.any(1) for view in self.modalities.values()], 1)

    def require_something(self) -> "Views":
        """Refuses a batch in which a patient has nothing at all."""
        empty = int((~self.observed().any(1)).sum())
        if empty:
            raise InputError(f"{empty} of {len(self)} units have none of {', '.join(self.modalities)}")
        return self

    def other(self) -> "Views":
        """The other look at the same units: `image@2` under the name `image`; what has no other look, as it is.

        Objectives that compare two augmentations of an image read `self` and `self.other()`. An encoder reads the
        modalities it knows by name, so it never mixes the two.
        """
        first = {name: view for name, view in self.modalities.items() if not name.endswith(OTHER)}
        return replace(self, modalities={name: self.modalities.get(name + OTHER, view) for name, view in first.items()})

    def without(self, name: str, rows: Tensor | None = None) -> "Views":
        """Masks a modality for the given rows (bool [batch]; all of them by default)."""
        view = self.modalities[name]
        gone = torch.ones(len(self), dtype=torch.bool) if rows is None else rows
        masked = replace(view, present=view.present & ~gone.to(view.present.device)[:, None])
        return replace(self, modalities={**self.modalities, name: masked})

    def to(self, device: torch.device) -> "Views":
        """Moves every tensor to a device."""
        move = {
            name: View(
                values=view.values.to(device),
                present=view.present.to(device),
                where=view.where.to(device),
                when=None if view.when is None else view.when.to(device),
            )
            for name, view in self.modalities.items()
        }
        return Views(move, labels=None if self.labels is None else self.labels.to(device))
