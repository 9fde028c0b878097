"""Give two views of an image the same vector, while every dimension varies and no two vary together (VICReg).

No negatives, no second network. Source: Bardes et al. 2022 (2105.04906), eqs. 1 to 6, normalised as in the official
code, to which the coefficients 25, 25, 1 belong: a mean over dimensions in the invariance term, a mean over views in
the variance term.
"""

from dataclasses import dataclass

from torch.nn import functional as F

from semeia.data.batch import Batch
from semeia.encoders.patient import PatientEncoder
from semeia.objectives.guards import covariance_penalty, variance_hinge
from semeia.objectives.objective import Objective
from semeia.objectives.projection import no_loss, perceptron
from semeia.objectives.step import Step
from semeia.objectives.views import two_views, vector_width, vectors
from semeia.ranges import FROM_0, FROM_1, require_ranges
from semeia.shapes import Embeddings, Scalar


@dataclass(frozen=True)
class VicRegSettings:
    """Coefficients, and the size of the expander.

    Attributes:
        invariance: coefficient of the mean squared difference of the views.
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

    views = 2

    def __init__(self, encoder: PatientEncoder, *, settings: VicRegSettings, modality: str) -> None:
        super().__init__()
        self.settings = settings
        self.modality = modality
        self.encoder = encoder
        widths = (vector_width(encoder, modality), settings.hidden, settings.hidden, settings.dim)
        # None of the terms sees a shift common to all rows: a last bias would never be trained.
        self.head = perceptron(widths, norm=True, last_bias=False)

    def loss(self, batch: Batch, step: Step) -> dict[str, Scalar]:
        """Give the three terms, weighted."""
        views = two_views(batch, self.modality)
        if views is None:
            return dict.fromkeys(("invariance", "variance", "covariance"), no_loss(self))
        one, other = (self.head(vectors(self.encoder, view, self.modality)).float() for view in views)
        return vicreg_terms(one, other, settings=self.settings)


def vicreg_terms(one: Embeddings, other: Embeddings, *, settings: VicRegSettings) -> dict[str, Scalar]:
    """Eq. 6 as in the official code: the variance term is the mean over the views, the covariance term the sum."""
    dim = one.shape[1]
    variance = (variance_hinge(one) + variance_hinge(other)) / 2
    # The guard is a mean over pairs of dimensions; the paper's sum over pairs, divided by dim, is dim - 1 times that.
    covariance = (covariance_penalty(one) + covariance_penalty(other)) * (dim - 1)
    return {
        "invariance": settings.invariance * F.mse_loss(one, other),
        "variance": settings.variance * variance,
        "covariance": settings.covariance * covariance,
    }
