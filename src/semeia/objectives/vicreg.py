"""VICReg: two looks at an image get the same vector; every dimension varies, and no two vary together.

Views with two looks go in; the terms `invariance`, `variance` and `covariance` come out. No negatives, no second
network. Source: Bardes et al. 2022 (2105.04906), eqs. 1 to 6, normalised as in the official code, to which the
coefficients 25, 25, 1 belong: a mean over dimensions in the invariance term, a mean over looks in the variance term.
"""

from dataclasses import dataclass

from torch.nn import functional as F

from semeia.encoders.patient import PatientEncoder
from semeia.objectives.guards import covariance_penalty, variance_hinge
from semeia.objectives.looks import image_vectors, image_width, two_looks
from semeia.objectives.objective import Objective
from semeia.objectives.projection import no_loss, perceptron
from semeia.objectives.step import Step
from semeia.ranges import FROM_0, FROM_1, require_ranges
from semeia.shapes import Embeddings, Scalar
from semeia.views.patient import Views


@dataclass(frozen=True)
class VicRegSettings:
    """Coefficients, and the size of the expander.

    Attributes:
        invariance: coefficient of the mean squared difference of the looks.
        variance: coefficient of the variance hinge.
        covariance: coefficient of the covariance term.
        hidden: width of the expander's two hidden layers.
        dim: width of its output; 8192 in the paper, for batches of 2048.
    """

    invariance: float = 25.0
    variance: float = 25.0
    covariance: float = 1.0
    hidden: int = 256
    dim: int = 256

    def __post_init__(self) -> None:
        weights = dict.fromkeys(("invariance", "variance", "covariance"), FROM_0)
        require_ranges("vicreg", self, {**weights, "hidden": FROM_1, "dim": FROM_1})


class VicReg(Objective):
    """The objective."""

    looks = 2

    def __init__(self, encoder: PatientEncoder, *, settings: VicRegSettings) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = encoder
        widths = (image_width(encoder), settings.hidden, settings.hidden, settings.dim)
        # None of the terms sees a shift common to all rows: a last bias would never be trained.
        self.head = perceptron(widths, norm=True, last_bias=False)

    def loss(self, views: Views, step: Step) -> dict[str, Scalar]:
        """The three terms, weighted."""
        looks = two_looks(views)
        if looks is None:
            return dict.fromkeys(("invariance", "variance", "covariance"), no_loss(self))
        one, other = (self.head(image_vectors(self.encoder, look)).float() for look in looks)
        return vicreg_terms(one, other, settings=self.settings)


def vicreg_terms(one: Embeddings, other: Embeddings, *, settings: VicRegSettings) -> dict[str, Scalar]:
    """Eq. 6 as in the official code: the variance term is the mean over the looks, the covariance term the sum."""
    dim = one.shape[1]
    variance = (variance_hinge(one) + variance_hinge(other)) / 2
    # The guard is a mean over pairs of dimensions; the paper's sum over pairs, divided by dim, is dim - 1 times that.
    covariance = (covariance_penalty(one) + covariance_penalty(other)) * (dim - 1)
    return {
        "invariance": settings.invariance * F.mse_loss(one, other),
        "variance": settings.variance * variance,
        "covariance": settings.covariance * covariance,
    }
