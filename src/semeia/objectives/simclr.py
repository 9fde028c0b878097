"""Bring two views of one image nearer to each other than to any other view in the batch (SimCLR).

Source: Chen et al. 2020 (2002.05709), eq. 1 (NT-Xent).
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from semeia.data.batch import Batch
from semeia.encoders.patient import PatientEncoder
from semeia.objectives.guards import full_precision
from semeia.objectives.objective import Objective
from semeia.objectives.projection import no_loss, perceptron
from semeia.objectives.step import Step
from semeia.objectives.views import two_views, vector_width, vectors
from semeia.ranges import ABOVE_0, FROM_1, require_ranges
from semeia.shapes import Embeddings, Scalar


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

    views = 2

    def __init__(self, encoder: PatientEncoder, *, settings: SimClrSettings, modality: str) -> None:
        super().__init__()
        self.settings = settings
        self.modality = modality
        self.encoder = encoder
        self.head = perceptron((vector_width(encoder, modality), settings.hidden, settings.dim), norm=True)

    def loss(self, batch: Batch, step: Step) -> dict[str, Scalar]:
        """`contrast`; 0 for a batch of one, which has nothing to contrast with."""
        views = two_views(batch, self.modality)
        if views is None:
            return {"contrast": no_loss(self)}
        # One pass of the head: its normalisation sees both views, as in the paper.
        projected = self.head(torch.cat([vectors(self.encoder, view, self.modality) for view in views]))
        one, other = projected.chunk(2)
        return {"contrast": nt_xent(one, other, temperature=self.settings.temperature)}


def nt_xent(one: Embeddings, other: Embeddings, *, temperature: float) -> Scalar:
    """Mean over all 2n views of -log( exp(s(i, partner) / t) / sum over k != i of exp(s(i, k) / t) ), s the cosine."""
    z = F.normalize(torch.cat([one, other]).float(), dim=1)
    with full_precision(z):
        similarity = z @ z.T / temperature
    itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
    partner = torch.arange(len(z), device=z.device).roll(len(one))
    return F.cross_entropy(similarity.masked_fill(itself, -torch.inf), partner)
