"""Find, among many earlier images, the momentum encoder's vector of the other view of one's own image (MoCo v2).

Sources: He et al. 2020 (1911.05722), eq. 1 and algorithm 1;
Chen et al. 2020 (2003.04297) for the head and the temperature. Version 2 and not 3: its queue gives small batches many
negatives, where version 3 dropped it for batches of thousands.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from semeia.data.batch import Batch
from semeia.encoders.patient import PatientEncoder
from semeia.objectives.guards import full_precision
from semeia.objectives.momentum import momentum_copy, update_momentum
from semeia.objectives.objective import Objective
from semeia.objectives.projection import no_loss, perceptron
from semeia.objectives.queue import KeyQueue
from semeia.objectives.step import Step
from semeia.objectives.views import two_views, vector_width, vectors
from semeia.ranges import ABOVE_0, FROM_1, SHARE, require_ranges
from semeia.shapes import Scalar


@dataclass(frozen=True)
class MoCoSettings:
    """The queue, the momentum encoder, the head.

    Attributes:
        queue: how many keys are remembered. At most half of the archive's images: a longer queue holds an image's own
            older keys, and they count as negatives.
        momentum: of the momentum encoder; 0.999 in the paper, for hundreds of thousands of steps.
        temperature: similarities are divided by it.
        hidden: width of the head's hidden layer.
        dim: width of its output.
    """

    queue: int = 1024
    momentum: float = 0.99
    temperature: float = 0.2
    hidden: int = 256
    dim: int = 128

    def __post_init__(self) -> None:
        sizes = dict.fromkeys(("queue", "hidden", "dim"), FROM_1)
        require_ranges("moco", self, {"momentum": SHARE, "temperature": ABOVE_0, **sizes})


class MoCo(Objective):
    """The objective, with its queue of keys."""

    views = 2

    def __init__(self, encoder: PatientEncoder, *, settings: MoCoSettings, modality: str) -> None:
        super().__init__()
        self.settings = settings
        self.modality = modality
        self.encoder = encoder
        self.head = perceptron((vector_width(encoder, modality), settings.hidden, settings.dim), norm=False)
        self.momentum_encoder = momentum_copy(encoder).eval()
        self.momentum_head = momentum_copy(self.head)
        self.queue = KeyQueue(settings.queue, settings.dim)

    def train(self, mode: bool = True) -> "MoCo":
        """Set training mode for all but the momentum encoder.

        Were its batch normalised, a key could tell its batch, and with it its query. The paper shuffles batches between
        devices instead; running statistics do it on one (2101.08482).
        """
        super().train(mode)
        self.momentum_encoder.eval()
        return self

    def loss(self, batch: Batch, step: Step) -> dict[str, Scalar]:
        """`contrast`; 0 while the queue is empty. In training, the batch's keys enter the queue afterwards."""
        views = two_views(batch, self.modality)
        if views is None:
            return {"contrast": no_loss(self)}
        one, other = views
        query = F.normalize(self.head(vectors(self.encoder, one, self.modality)).float(), dim=1)
        with torch.no_grad():
            key = F.normalize(self.momentum_head(vectors(self.momentum_encoder, other, self.modality)).float(), dim=1)
        contrast = info_nce(query, key, self.queue.known(), temperature=self.settings.temperature)
        if self.training:
            self.queue.remember(key)
        return {"contrast": contrast}

    def after_step(self, step: Step) -> None:
        """Move the momentum encoder."""
        update_momentum(self.momentum_encoder, self.encoder, momentum=self.settings.momentum)
        update_momentum(self.momentum_head, self.head, momentum=self.settings.momentum)


def info_nce(query: torch.Tensor, key: torch.Tensor, negatives: torch.Tensor, *, temperature: float) -> Scalar:
    """Mean of -log( exp(q k / t) / (exp(q k / t) + sum over negatives of exp(q n / t)) ); all of length 1.

    `query` and `key` are [batch, dim], `negatives` [keys, dim], possibly without any row.
    """
    with full_precision(query):
        similarity = torch.cat([(query * key).sum(1, keepdim=True), query @ negatives.T], 1) / temperature
    return F.cross_entropy(similarity, torch.zeros(len(query), dtype=torch.long, device=query.device))
