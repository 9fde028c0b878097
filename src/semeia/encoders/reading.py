"""Structured readings to tokens: one token an item, its standardised value along a learned direction."""

import torch
from torch import nn

from semeia.shapes import TokenValues
from semeia.views.patient import View


class ReadingEmbedding(nn.Module):
    """x[i] = direction[i] * value[i] + offset[i]: a token sees its own item only, so it can be masked."""

    maskable = True

    def __init__(self, dim: int, *, items: int) -> None:
        super().__init__()
        self.direction = nn.Parameter(torch.randn(items, dim) * 0.5)
        self.offset = nn.Parameter(torch.randn(items, dim) * 0.02)

    def forward(self, view: View) -> TokenValues:
        """Standardised values, [batch, items], to [batch, items, dim]; absent items are masked later."""
        values = torch.where(view.present, view.values, 0.0)
        return values[:, :, None] * self.direction + self.offset
