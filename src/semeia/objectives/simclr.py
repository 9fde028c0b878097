"""SimCLR: two looks at one image should be nearer to each other than to any other look in the batch.

Views with two looks go in; the term `contrast` comes out. Source: Chen et al. 2020 (2002.05709), eq. 1 (NT-Xent).
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from semeia.encoders.patient import PatientEncoder
from semeia.objectives.guards import full_precision
from semeia.objectives.looks import image_vectors, image_width, two_looks
from semeia.objectives.objective import Objective
from semeia.objectives.projection import no_loss, perceptron
from semeia.objectives.step import Step
from semeia.ranges import ABOVE_0, FROM_1, require_ranges
from semeia.shapes import Embeddings, Scalar
from semeia.views.patient import Views


@dataclass(frozen=True)
class SimClrSettings:
    """The head and how sharp the contrast is.

    Attributes:
        temperature: similarities are divided by it.
        hidden: width of the head's hidden layer.
        dim: width of its output.
    """

    temperature: float = 0.1
    hidden: int = 256
    dim: int = 128

    def __post_init__(self) -> None:
        require_ranges("simclr", self, {"temperature": ABOVE_0, "hidden": FROM_1, "dim": FROM_1})


class SimClr(Objective):
    """The objective. Negatives are the other images of the batch, so it wants large batches."""

    looks = 2

    def __init__(self, encoder: PatientEncoder, *, settings: SimClrSettings) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = encoder
        self.head = perceptron((image_width(encoder), settings.hidden, settings.dim), norm=True)

    def loss(self, views: Views, step: Step) -> dict[str, Scalar]:
        """`contrast`; 0 for a batch of one, which has nothing to contrast with."""
        looks = two_looks(views)
        if looks is None:
            return {"contrast": no_loss(self)}
        # One pass of the head: its normalisation sees both looks, as in the paper.
        projected = self.head(torch.cat([image_vectors(self.encoder, look) for look in looks]))
        one, other = projected.chunk(2)
        return {"contrast": nt_xent(one, other, temperature=self.settings.temperature)}


def nt_xent(one: Embeddings, other: Embeddings, *, temperature: float) -> Scalar:
    """Mean over all 2n looks of -log( exp(s(i, partner) / t) / sum over k != i of exp(s(i, k) / t) ), s the cosine."""
    z = F.normalize(torch.cat([one, other]).float(), dim=1)
    with full_precision(z):
        similarity = z @ z.T / temperature
    itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
    partner = torch.arange(len(z), device=z.device).roll(len(one))
    return F.cross_entropy(similarity.masked_fill(itself, -torch.inf), partner)
