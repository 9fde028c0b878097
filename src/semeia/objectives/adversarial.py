"""Make the vectors of two modalities so alike that a discriminator cannot tell which one a vector is of.

The discriminator and the encoder are trained at once: the gradient is turned round where it enters the encoder, so that
what helps the one hinders the other (Ganin et al. 2016, 1505.07818, eqs. 13 to 15). A discriminator that scores vectors
without a gradient, as the published code of MICS has it, leaves the encoder where it is.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from semeia.data.batch import Batch
from semeia.encoders.patient import PatientEncoder
from semeia.objectives.objective import Objective
from semeia.objectives.pairs import require_both
from semeia.objectives.projection import no_loss, perceptron
from semeia.objectives.step import Step
from semeia.objectives.views import vector_width, vectors
from semeia.ranges import ABOVE_0, FROM_1, require_ranges
from semeia.shapes import Embeddings, Scalar


@dataclass(frozen=True)
class AdversarialSettings:
    """The discriminator.

    Attributes:
        reversal: the encoder's gradient, as a multiple of the discriminator's turned round.
        hidden: width of the discriminator's hidden layer.
    """

    reversal: float = 1.0
    hidden: int = 256

    def __post_init__(self) -> None:
        require_ranges("adversarial", self, {"reversal": ABOVE_0, "hidden": FROM_1})


class Adversarial(Objective):
    """The objective. Owns the discriminator."""

    def __init__(self, encoder: PatientEncoder, *, settings: AdversarialSettings, pair: tuple[str, str]) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = encoder
        self.pair = pair
        vector_width(encoder, pair[1])
        self.discriminator = perceptron((vector_width(encoder, pair[0]), settings.hidden, 1), norm=False)

    def loss(self, batch: Batch, step: Step) -> dict[str, Scalar]:
        """`discrimination`: log 2 where the modalities cannot be told apart. Only units that have both count."""
        there = require_both(batch, self.pair)
        if not bool(there.any()):
            return {"discrimination": no_loss(self)}
        vector = torch.cat([vectors(self.encoder, batch.of(name, there), name) for name in self.pair])
        answer = self.discriminator(turned(vector, self.settings.reversal))[:, 0].float()
        truth = torch.arange(2, device=answer.device).repeat_interleave(len(answer) // 2).float()
        return {"discrimination": F.binary_cross_entropy_with_logits(answer, truth)}


def turned(vector: Embeddings, reversal: float) -> Embeddings:
    """Give the same values, whose gradient comes back multiplied by -`reversal`."""
    return (1 + reversal) * vector.detach() - reversal * vector
