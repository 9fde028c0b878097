"""Find the other modality of one's own unit among the batch and a queue, with soft targets from a slow copy (ALBEF).

CLIP's contrast with MoCo's queue. What the momentum encoder finds alike is no wrong answer: its own softmax makes a
part of the target. Of two pictures of one scene, one is the other's augmentation (MICS, 2509.17492); `looks` adds the
contrast of two augmented views of each. Source: Li et al. 2021 (2107.07651), eqs. 1, 6 and 7.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from semeia.data.batch import Batch
from semeia.encoders.patient import PatientEncoder
from semeia.objectives.guards import full_precision
from semeia.objectives.momentum import momentum_copy, update_momentum
from semeia.objectives.objective import Objective
from semeia.objectives.pairs import require_both
from semeia.objectives.projection import no_loss
from semeia.objectives.queue import KeyQueue
from semeia.objectives.step import Step
from semeia.objectives.views import vector_width, vectors
from semeia.ranges import ABOVE_0, FROM_0, FROM_1, SHARE, require_ranges
from semeia.shapes import Embeddings, Scalar

# Between these ALBEF keeps its temperature.
SHARPEST, BLUNTEST = 0.001, 0.5
ACROSS, INSIDE = ((0, 1), (1, 0)), ((0, 0), (1, 1))
DIRECTIONS = {"across": ACROSS, "inside": INSIDE, "both": ACROSS + INSIDE}


@dataclass(frozen=True)
class AlbefSettings:
    """The defaults are ALBEF's, but for queue and momentum, which are those of a small archive.

    Attributes:
        looks: what a query is to find: "across" the unit's other modality, "inside" another augmented view of the same
            modality, or "both".
        queue: how many keys of each modality are remembered; 0: none. At most half of the archive's units: a longer
            queue holds a unit's own older keys.
        momentum: of the slow copy; 0.995 in the paper, for many more steps.
        temperature: similarities are divided by it; learnt from this value.
        soft: share of the slow copy's softmax in the target.
        ramp: share of the training over which `soft` rises from 0.
        dim: width of the common space.
    """

    looks: Literal["across", "inside", "both"] = "across"
    queue: int = 512
    momentum: float = 0.99
    temperature: float = 0.07
    soft: float = 0.4
    ramp: float = 0.1
    dim: int = 256

    def __post_init__(self) -> None:
        shares = dict.fromkeys(("momentum", "soft", "ramp"), SHARE)
        require_ranges("albef", self, {**shares, "temperature": ABOVE_0, "queue": FROM_0, "dim": FROM_1})


class Albef(Objective):
    """The objective. Owns a projection and a queue for each modality, and the slow copy of encoder and projections."""

    def __init__(self, encoder: PatientEncoder, *, settings: AlbefSettings, pair: tuple[str, str]) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = encoder
        self.pair = pair
        self.views = 1 if settings.looks == "across" else 2
        self.heads = nn.ModuleList(nn.Linear(vector_width(encoder, name), settings.dim) for name in pair)
        self.momentum_encoder = momentum_copy(encoder).eval()
        self.momentum_heads = momentum_copy(self.heads)
        self.first_queue = KeyQueue(settings.queue, settings.dim)
        self.second_queue = KeyQueue(settings.queue, settings.dim)
        # As a logarithm: at rates of small archives a plain temperature would reach its bound within tens of steps.
        # Of one dimension: a number without any cannot be held in parts (sharding.py).
        self.log_sharpness = nn.Parameter(torch.tensor([-math.log(settings.temperature)]))

    @property
    def temperature(self) -> Scalar:
        """What similarities are divided by."""
        return (-self.log_sharpness).exp().squeeze()

    @property
    def queues(self) -> tuple[KeyQueue, KeyQueue]:
        """Of the keys of each modality."""
        return self.first_queue, self.second_queue

    def train(self, mode: bool = True) -> "Albef":
        """Set training mode for all but the momentum encoder (see `MoCo.train`)."""
        super().train(mode)
        self.momentum_encoder.eval()
        return self

    def loss(self, batch: Batch, step: Step) -> dict[str, Scalar]:
        """`<one>_to_<other>` for each direction; their sum is the mean over directions. Keys enter the queues after."""
        directions = DIRECTIONS[self.settings.looks]
        names = [f"{self.pair[query]}_to_{self.pair[key]}" for query, key in directions]
        there = require_both(batch, self.pair)
        if self.views == 2:
            there = there & batch.has(self.pair[0], second=True) & batch.has(self.pair[1], second=True)
        if not bool(there.any()):
            return dict.fromkeys(names, no_loss(self))
        queries = [self._projected(batch.of(name, there), at) for at, name in enumerate(self.pair)]
        with torch.no_grad():
            views = (batch.of(name, there, second=self.views == 2) for name in self.pair)
            keys = [self._projected(view, at, slow=True) for at, view in enumerate(views)]
        soft = self.settings.soft * (min(step.progress / self.settings.ramp, 1.0) if self.settings.ramp else 1.0)
        known = [torch.cat([key, queue.known()]) for key, queue in zip(keys, self.queues, strict=True)]
        terms = {
            name: soft_nce(queries[query], keys[query], known[key], temperature=self.temperature, soft=soft)
            / len(directions)
            for name, (query, key) in zip(names, directions, strict=True)
        }
        if self.training:
            for queue, key in zip(self.queues, keys, strict=True):
                queue.remember(key)
        return terms

    def after_step(self, step: Step) -> None:
        """Move the slow copy, and bring the temperature back into its bounds."""
        update_momentum(self.momentum_encoder, self.encoder, momentum=self.settings.momentum)
        update_momentum(self.momentum_heads, self.heads, momentum=self.settings.momentum)
        with torch.no_grad():
            self.log_sharpness.clamp_(-math.log(BLUNTEST), -math.log(SHARPEST))

    def common(self) -> dict[str, nn.Linear]:
        """Give the projection of each modality."""
        return {name: head for name, head in zip(self.pair, self.heads, strict=True) if isinstance(head, nn.Linear)}

    def _projected(self, view: Batch, at: int, *, slow: bool = False) -> Embeddings:
        encoder, heads = (self.momentum_encoder, self.momentum_heads) if slow else (self.encoder, self.heads)
        return F.normalize(heads[at](vectors(encoder, view, self.pair[at])).float(), dim=1)


def soft_nce(
    query: Embeddings, slow: Embeddings, keys: torch.Tensor, *, temperature: torch.Tensor, soft: float
) -> Scalar:
    """Take the mean cross-entropy of softmax(query keys / t) with (1 - soft) one-hot + soft softmax(slow keys / t).

    Queries are of length 1, [n, dim]; `slow` are the slow copy's vectors of the same units, without a gradient; of the
    keys, [n + more, dim], key i is the right one of row i.
    """
    with full_precision(query):
        similarity = query @ keys.T / temperature
        alike = (slow @ keys.T / temperature.detach()).softmax(1)
    target = (1 - soft) * torch.eye(*alike.shape, device=query.device) + soft * alike
    return F.cross_entropy(similarity, target)
