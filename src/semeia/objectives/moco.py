"""MoCo v2: a look should find, among many earlier images, the slow copy's vector of the other look at its own image.

Views with two looks go in; the term `contrast` comes out. Sources: He et al. 2020 (1911.05722), eq. 1 and algorithm 1;
Chen et al. 2020 (2003.04297) for the head and the temperature. Version 2 and not 3: its queue gives small batches many
negatives, where version 3 dropped it for batches of thousands.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from semeia.encoders.patient import PatientEncoder
from semeia.objectives.guards import full_precision
from semeia.objectives.looks import image_vectors, image_width, two_looks
from semeia.objectives.momentum import follow, slow_copy
from semeia.objectives.objective import Objective
from semeia.objectives.projection import no_loss, perceptron
from semeia.objectives.step import Step
from semeia.ranges import ABOVE_0, FROM_1, SHARE, require_ranges
from semeia.shapes import Embeddings, Scalar
from semeia.views.patient import Views


@dataclass(frozen=True)
class MoCoSettings:
    """The queue, the slow copy, the head.

    Attributes:
        queue: how many keys are remembered. At most half of the archive's images: a longer queue holds an image's own
            older keys, and they count as negatives.
        momentum: of the slow copy; 0.999 in the paper, for hundreds of thousands of steps.
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
    """The objective. The queue is part of its state; places not yet written count for nothing."""

    looks = 2

    def __init__(self, encoder: PatientEncoder, *, settings: MoCoSettings) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = encoder
        self.head = perceptron((image_width(encoder), settings.hidden, settings.dim), norm=False)
        self.slow_encoder = slow_copy(encoder).eval()
        self.slow_head = slow_copy(self.head)
        self.queue: torch.Tensor
        self.written: torch.Tensor
        self.register_buffer("queue", torch.zeros(settings.queue, settings.dim))
        self.register_buffer("written", torch.zeros((), dtype=torch.long))

    def train(self, mode: bool = True) -> "MoCo":
        """Training mode for all but the slow copy: were its batch normalised, a key could tell its batch, and with it
        its query. The paper shuffles batches between devices instead; running statistics do it on one (2101.08482)."""
        super().train(mode)
        self.slow_encoder.eval()
        return self

    def loss(self, views: Views, step: Step) -> dict[str, Scalar]:
        """`contrast`; 0 while the queue is empty. In training, the batch's keys enter the queue afterwards."""
        looks = two_looks(views)
        if looks is None:
            return {"contrast": no_loss(self)}
        one, other = looks
        query = F.normalize(self.head(image_vectors(self.encoder, one)).float(), dim=1)
        with torch.no_grad():
            key = F.normalize(self.slow_head(image_vectors(self.slow_encoder, other)).float(), dim=1)
        # A copy: the gradient still needs the old keys when the new ones have come in.
        contrast = info_nce(query, key, self._keys().clone(), temperature=self.settings.temperature)
        if self.training:
            self._remember(key)
        return {"contrast": contrast}

    def after_step(self, step: Step) -> None:
        """Moves the slow copy."""
        follow(self.slow_encoder, self.encoder, momentum=self.settings.momentum)
        follow(self.slow_head, self.head, momentum=self.settings.momentum)

    def _keys(self) -> torch.Tensor:
        return self.queue[: int(self.written.clamp(max=len(self.queue)))]

    def _remember(self, keys: Embeddings) -> None:
        """Writes keys over the oldest ones."""
        keys = keys[-len(self.queue) :]
        places = (self.written + torch.arange(len(keys), device=keys.device)) % len(self.queue)
        self.queue[places] = keys
        self.written += len(keys)


def info_nce(query: torch.Tensor, key: torch.Tensor, negatives: torch.Tensor, *, temperature: float) -> Scalar:
    """Mean of -log( exp(q k / t) / (exp(q k / t) + sum over negatives of exp(q n / t)) ); all of length 1.

    `query` and `key` are [batch, dim], `negatives` [keys, dim], possibly without any row.
    """
    with full_precision(query):
        similarity = torch.cat([(query * key).sum(1, keepdim=True), query @ negatives.T], 1) / temperature
    return F.cross_entropy(similarity, torch.zeros(len(query), dtype=torch.long, device=query.device))
