"""Embed vectors and signals: a linear layer a region, or a stretch of time; a token sees nothing else."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from semeia.data.modalities import Signal, Vector
from semeia.shapes import TokenMask, TokenValues


class VectorEmbedding(nn.Module):
    """One token a region."""

    maskable = True

    def __init__(self, dim: int, *, modality: Vector) -> None:
        super().__init__()
        self.project = nn.Linear(modality.features, dim)

    def forward(self, values: Float[Tensor, "n region feature"], present: TokenMask) -> TokenValues:
        """Standardised features, [n, region, feature], to [n, region, dim]."""
        return self.project(torch.where(present[..., None], values, 0.0))


class StretchEmbedding(nn.Module):
    """One token a stretch of time, of all leads together."""

    maskable = True

    def __init__(self, dim: int, *, modality: Signal) -> None:
        super().__init__()
        self.patch = modality.patch
        self.project = nn.Linear(modality.leads * modality.patch, dim)

    def forward(self, values: Float[Tensor, "n lead sample"], present: TokenMask) -> TokenValues:
        """Standardised samples, [n, lead, sample], to [n, stretch, dim]."""
        stretches = values.unflatten(2, (-1, self.patch)).permute(0, 2, 1, 3).flatten(2)
        return self.project(torch.where(present[..., None], stretches, 0.0))
