"""BYOL: predict what a slow copy of the network makes of the other look at an image. No negatives.

Views with two looks go in; the term `agreement` comes out. Source: Grill et al. 2020 (2006.07733), eqs. 1 and 2, and
appendix A for the rise of the momentum.
"""

import math
from dataclasses import dataclass

from torch.nn import functional as F

from semeia.encoders.patient import PatientEncoder
from semeia.objectives.looks import image_vectors, image_width, two_looks
from semeia.objectives.momentum import follow, slow_copy
from semeia.objectives.objective import Objective
from semeia.objectives.projection import no_loss, perceptron
from semeia.objectives.step import Step
from semeia.ranges import FROM_1, SHARE, require_ranges
from semeia.shapes import Embeddings, Scalar
from semeia.views.patient import Views


@dataclass(frozen=True)
class ByolSettings:
    """Heads and the slow copy.

    Attributes:
        momentum: of the slow copy at the first step; it rises along a cosine to 1 at the last. The paper's 0.996 is
            for hundreds of thousands of steps.
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

    looks = 2

    def __init__(self, encoder: PatientEncoder, *, settings: ByolSettings) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = encoder
        self.projector = perceptron((image_width(encoder), settings.hidden, settings.dim), norm=True)
        self.predictor = perceptron((settings.dim, settings.hidden, settings.dim), norm=True)
        self.slow_encoder = slow_copy(encoder)
        self.slow_projector = slow_copy(self.projector)

    def loss(self, views: Views, step: Step) -> dict[str, Scalar]:
        """`agreement`: the distance of prediction and target, each look predicting the other."""
        looks = two_looks(views)
        if looks is None:
            return {"agreement": no_loss(self)}
        one, other = looks
        forth = distance(self._prediction(one), self._target(other))
        back = distance(self._prediction(other), self._target(one))
        return {"agreement": forth + back}

    def after_step(self, step: Step) -> None:
        """Moves the slow copy."""
        momentum = rising(self.settings.momentum, step.progress)
        follow(self.slow_encoder, self.encoder, momentum=momentum)
        follow(self.slow_projector, self.projector, momentum=momentum)

    def _prediction(self, look: Views) -> Embeddings:
        return self.predictor(self.projector(image_vectors(self.encoder, look)))

    def _target(self, look: Views) -> Embeddings:
        return self.slow_projector(image_vectors(self.slow_encoder, look)).detach()


def distance(prediction: Embeddings, target: Embeddings) -> Scalar:
    """Mean squared distance of the rows scaled to length 1: 2 - 2 cos (eq. 2)."""
    return (2 - 2 * F.cosine_similarity(prediction.float(), target.float(), dim=1)).mean()


def rising(start: float, progress: float) -> float:
    """1 - (1 - start) (cos(pi progress) + 1) / 2: from `start` at progress 0 to 1 at progress 1."""
    return 1 - (1 - start) * (math.cos(math.pi * progress) + 1) / 2
