"""Find the other modality of one's own unit among the batch's (CLIP, ConVIRT): an image its report, a report its image.

Rows that lack one of the two take no part. Sources: Radford et al. 2021 (2103.00020), figure 3; Zhang et al. 2020
(2010.00747), eqs. 2 to 4. Ours: rows whose second modality is the same are all right answers; "no acute findings" is
nobody's own.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import nn
from torch.nn import functional as F

from semeia.data.batch import Batch, RowMask, Seen
from semeia.encoders.patient import PatientEncoder
from semeia.errors import InputError
from semeia.objectives.guards import full_precision
from semeia.objectives.objective import Objective
from semeia.objectives.projection import RowNorm, no_loss, perceptron
from semeia.objectives.step import Step
from semeia.objectives.views import vector_width, vectors
from semeia.ranges import ABOVE_0, FROM_0, FROM_1, SHARE, require_ranges
from semeia.shapes import Embeddings, Scalar

Same = Bool[torch.Tensor, "n n"]
# CLIP keeps similarities from being multiplied by more than this.
SHARPEST = 100.0


@dataclass(frozen=True)
class PairSettings:
    """The defaults are CLIP's; `CONVIRT` has ConVIRT's.

    Attributes:
        temperature: similarities are divided by it; the first value, where it is learnt.
        learn_temperature: whether it is trained; it stays above 1 / 100.
        forth: weight of the direction from the first modality to the second; the other has the rest to 1.
        layers: of each projection: 1 is linear, 2 has a hidden layer.
        dim: width of the common space.
        hidden: width of the hidden layers; 0: that of the common space.
        norm: whether each layer is followed by batch normalisation, the last one without scale and shift (the global
            embedding of MGCA, Wang et al. 2022, 2210.06044).
        shared: whether both modalities have one projection.
    """

    temperature: float = 0.07
    learn_temperature: bool = True
    forth: float = 0.5
    layers: int = 1
    dim: int = 128
    hidden: int = 0
    norm: bool = False
    shared: bool = False

    def __post_init__(self) -> None:
        sizes = {"layers": FROM_1, "dim": FROM_1, "hidden": FROM_0}
        require_ranges("pairs", self, {"forth": SHARE, "temperature": ABOVE_0, **sizes})


CONVIRT = PairSettings(temperature=0.1, learn_temperature=False, forth=0.75, layers=2)


class Pairs(Objective):
    """The objective. Owns both projections."""

    def __init__(self, encoder: PatientEncoder, *, settings: PairSettings, pair: tuple[str, str]) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = encoder
        self.pair = pair
        widths = [vector_width(encoder, name) for name in pair]
        self.first_head = projection(widths[0], settings)
        self.second_head = self.first_head if settings.shared else projection(widths[1], settings)
        # Of one dimension: a number without any cannot be held in parts (sharding.py).
        sharpness = torch.tensor([-math.log(settings.temperature)])
        self.log_sharpness: torch.Tensor
        if settings.learn_temperature:
            self.log_sharpness = nn.Parameter(sharpness)
        else:
            self.register_buffer("log_sharpness", sharpness)

    def loss(self, batch: Batch, step: Step) -> dict[str, Scalar]:
        """Give both directions, weighted. Raises InputError for a batch that lacks one of the two."""
        first, second = self.pair
        both = require_both(batch, self.pair)
        if not bool(both.any()):
            return dict.fromkeys((f"{first}_to_{second}", f"{second}_to_{first}"), no_loss(self))
        one, other = self.projected(batch, both)
        same = same_values(batch.modalities[second].rows(both))
        there, back = matching(one, other, same, self.log_sharpness.exp().squeeze())
        share = self.settings.forth
        return {f"{first}_to_{second}": share * there, f"{second}_to_{first}": (1 - share) * back}

    def projected(self, batch: Batch, both: RowMask) -> tuple[Embeddings, Embeddings]:
        """Lead both modalities of the rows that have both into the common space."""
        first, second = self.pair
        one = self.first_head(vectors(self.encoder, batch.of(first, both), first))
        return one, self.second_head(vectors(self.encoder, batch.of(second, both), second))

    def after_step(self, step: Step) -> None:
        """Bring a learnt temperature back above its bound, as CLIP does."""
        with torch.no_grad():
            self.log_sharpness.clamp_(max=math.log(SHARPEST))


def projection(width: int, settings: PairSettings) -> nn.Sequential:
    """Lead from an encoder's vector to the common space."""
    within = (settings.hidden or settings.dim,) * (settings.layers - 1)
    head = perceptron((width, *within, settings.dim), norm=settings.norm, last_bias=False)
    return head.append(RowNorm(settings.dim, affine=False)) if settings.norm else head


def require_both(batch: Batch, pair: tuple[str, str]) -> RowMask:
    """Say which units have both modalities, [batch]. Raises InputError for a batch that lacks one of the two."""
    first, second = pair
    if missing := [name for name in pair if name not in batch.modalities]:
        raise InputError(f"this objective compares {first} with {second}: the batch has no {', '.join(missing)}")
    return batch.has(first) & batch.has(second)


def matching(one: Embeddings, other: Embeddings, same: Same, sharpness: Scalar) -> tuple[Scalar, Scalar]:
    """Take the cross-entropy of finding the other vector of each row's, there and back; cosines are times `sharpness`.

    Vectors are [n, dim], of any length. `same` says which rows' other observations are the same, bool [n, n]: the
    target of a row is uniform over them.
    """
    one, other = F.normalize(one.float(), dim=1), F.normalize(other.float(), dim=1)
    with full_precision(one):
        similarity = sharpness * (one @ other.T)
    target = same.float() / same.sum(1, keepdim=True)
    return F.cross_entropy(similarity, target), F.cross_entropy(similarity.T, target)


def same_values(seen: Seen) -> Same:
    """Say which rows hold the same values, bool [n, n]; what is not present does not count."""
    there = seen.present.any(2)
    values = torch.where(there[(..., *[None] * (seen.values.ndim - 2))], seen.values, 0)
    values = (values.nan_to_num() if values.is_floating_point() else values).flatten(1)
    if values.shape[1] == seen.present.flatten(1).shape[1]:  # a token a value: words, items
        values = values.masked_fill(~seen.present.flatten(1), -1)
    _, group = values.unique(dim=0, return_inverse=True)
    return group[:, None] == group
