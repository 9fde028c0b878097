"""Predict what the momentum encoder makes of the other view of an image (BYOL). No negatives.

Source: Grill et al. 2020 (2006.07733), eqs. 1 and 2, and
appendix A for the rise of the momentum.
"""

import math
from dataclasses import dataclass

from torch.nn import functional as F

from semeia.data.batch import Batch
from semeia.encoders.patient import PatientEncoder
from semeia.objectives.momentum import momentum_copy, update_momentum
from semeia.objectives.objective import Objective
from semeia.objectives.projection import no_loss, perceptron
from semeia.objectives.step import Step
from semeia.objectives.views import two_views, vector_width, vectors
from semeia.ranges import FROM_1, SHARE, require_ranges
from semeia.shapes import Embeddings, Scalar


@dataclass(frozen=True)
class ByolSettings:
    """Heads and the momentum encoder.

    Attributes:
        momentum: of the momentum encoder at the first step; it rises along a cosine to 1 at the last. The paper's 0.996
            is for hundreds of thousands of steps.
        hidden: width of the hidden layer of projector and predictor.
        dim: width of their outputs.
    """

    momentum: float = 0.99
    hidden: int = 256
    dim: int = 128

    def __post_init__(self) -> None:
        require_ranges("byol", self, {"momentum": SHARE, "hidden": FROM_1, "dim": FROM_1})


class Byol(Objective):
    """The objective. The encoder that is kept is the one trained by gradient, as in the paper."""

    views = 2

    def __init__(self, encoder: PatientEncoder, *, settings: ByolSettings, modality: str) -> None:
        super().__init__()
        self.settings = settings
        self.modality = modality
        self.encoder = encoder
        self.projector = perceptron((vector_width(encoder, modality), settings.hidden, settings.dim), norm=True)
        self.predictor = perceptron((settings.dim, settings.hidden, settings.dim), norm=True)
        self.momentum_encoder = momentum_copy(encoder)
        self.momentum_projector = momentum_copy(self.projector)

    def loss(self, batch: Batch, step: Step) -> dict[str, Scalar]:
        """`agreement`: the distance of prediction and target, each view predicting the other."""
        views = two_views(batch, self.modality)
        if views is None:
            return {"agreement": no_loss(self)}
        one, other = views
        forth = distance(self._prediction(one), self._target(other))
        back = distance(self._prediction(other), self._target(one))
        return {"agreement": forth + back}

    def after_step(self, step: Step) -> None:
        """Move the momentum encoder."""
        momentum = rising(self.settings.momentum, step.progress)
        update_momentum(self.momentum_encoder, self.encoder, momentum=momentum)
        update_momentum(self.momentum_projector, self.projector, momentum=momentum)

    def _prediction(self, view: Batch) -> Embeddings:
        return self.predictor(self.projector(vectors(self.encoder, view, self.modality)))

    def _target(self, view: Batch) -> Embeddings:
        return self.momentum_projector(vectors(self.momentum_encoder, view, self.modality)).detach()


def distance(prediction: Embeddings, target: Embeddings) -> Scalar:
    """Mean squared distance of the rows scaled to length 1: 2 - 2 cos (eq. 2)."""
    return (2 - 2 * F.cosine_similarity(prediction.float(), target.float(), dim=1)).mean()


def rising(start: float, progress: float) -> float:
    """1 - (1 - start) (cos(pi progress) + 1) / 2: from `start` at progress 0 to 1 at progress 1."""
    return 1 - (1 - start) * (math.cos(math.pi * progress) + 1) / 2
