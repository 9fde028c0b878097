"""Embed a table of items: one token an item, its standardised value along a learned direction."""

import torch
from torch import nn

from semeia.data.modalities import Table
from semeia.shapes import Features, TokenMask, TokenValues


class ItemEmbedding(nn.Module):
    """x[i] = direction[i] * value[i] + offset[i]: a token sees its own item only, so it can be masked."""

    maskable = True

    def __init__(self, dim: int, *, modality: Table) -> None:
        super().__init__()
        items = len(modality.items)
        self.direction = nn.Parameter(torch.randn(items, dim) * 0.5)
        self.offset = nn.Parameter(torch.randn(items, dim) * 0.02)

    def forward(self, values: Features, present: TokenMask) -> TokenValues:
        """Standardised values, [n, items], to [n, items, dim]; absent items are masked later."""
        values = torch.where(present, values, 0.0)
        return values[:, :, None] * self.direction + self.offset
