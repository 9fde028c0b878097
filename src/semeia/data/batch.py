"""Hold a batch: what a model sees of some units, one `Seen` a modality, each with masks of what is there.

A modality that a unit lacks has `present` False throughout; its values are never read. Deleting a modality and masking
it are the same thing (`without`), and both are tested.
"""

from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from semeia.errors import InputError
from semeia.shapes import Labels, ModalityMask

Values = Shaped[Tensor, "batch visit channel *place"]
RowMask = Bool[Tensor, " batch"]


@dataclass(frozen=True)
class Seen:
    """One modality of a batch: up to `visit` observations of each unit, the newest first.

    Attributes:
        values: model input, [batch, visit, channel, ...]; items or word ids are channels of their own.
        present: which tokens of each observation there are, [batch, visit, token].
        where: place of each token, [batch, visit, token, 3]: millimetres from the centre of an image (depth, height,
            width); else the token's number, 0, 0.
        when: months before the index date, [batch, visit]; 0 where there are no dates.
    """

    values: Values
    present: Bool[Tensor, "batch visit token"]
    where: Float[Tensor, "batch visit token 3"]
    when: Float[Tensor, "batch visit"]

    @property
    def observed(self) -> RowMask:
        """Say which units have any token of it, [batch]."""
        return self.present.flatten(1).any(1)

    def rows(self, keep: Tensor) -> "Seen":
        """Take some units, by a mask [batch] or by numbers [n]."""
        return Seen(self.values[keep], self.present[keep], self.where[keep], self.when[keep])

    def hidden(self, gone: RowMask) -> "Seen":
        """Mark nothing of it as present in the rows where `gone` is set."""
        return replace(self, present=self.present & ~gone.to(self.present.device)[:, None, None])

    def to(self, device: torch.device) -> "Seen":
        """Move to another device."""
        return Seen(*(value.to(device) for value in (self.values, self.present, self.where, self.when)))


@dataclass(frozen=True)
class Batch:
    """The modalities of some units, by name, all with the same first axis.

    Attributes:
        second: another augmented view of the modalities that are augmented, where two views were asked for.
    """

    modalities: dict[str, Seen]
    labels: Labels | None = None
    second: dict[str, Seen] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.modalities.values())).present)

    def observed(self) -> ModalityMask:
        """Say which modalities each unit has, [batch, modality] in the order of the names."""
        return torch.stack([seen.observed for seen in self.modalities.values()], 1)

    def require_something(self) -> "Batch":
        """Refuse a batch in which a unit has nothing at all."""
        empty = int((~self.observed().any(1)).sum())
        if empty:
            raise InputError(f"{empty} of {len(self)} units have none of {', '.join(self.modalities)}")
        return self

    def of(self, name: str, keep: RowMask, *, second: bool = False) -> "Batch":
        """Take one modality alone (its second view, if asked), of the rows where `keep` is set."""
        return Batch({name: (self.second if second else self.modalities)[name].rows(keep)})

    def rows(self, keep: RowMask, *, second: bool = False) -> "Batch":
        """Take the rows where `keep` is set; the second view in place of the first, if asked, where there is one."""
        seen = {**self.modalities, **(self.second if second else {})}
        labels = None if self.labels is None else self.labels[keep]
        return Batch({name: one.rows(keep) for name, one in seen.items()}, labels)

    def has(self, name: str, *, second: bool = False) -> RowMask:
        """Say which units have any token of a modality, [batch]; none where the batch lacks it."""
        seen = (self.second if second else self.modalities).get(name)
        if seen is None:
            return next(iter(self.modalities.values())).observed & False
        return seen.observed

    def without(self, name: str, rows: RowMask | None = None) -> "Batch":
        """Mask a modality for the given rows; for all by default."""
        if name not in self.modalities:
            return self
        gone = torch.ones(len(self), dtype=torch.bool) if rows is None else rows
        return replace(self, modalities={**self.modalities, name: self.modalities[name].hidden(gone)})

    def to(self, device: torch.device) -> "Batch":
        """Move to another device."""
        return Batch(
            {name: seen.to(device) for name, seen in self.modalities.items()},
            labels=None if self.labels is None else self.labels.to(device),
            second={name: seen.to(device) for name, seen in self.second.items()},
        )
