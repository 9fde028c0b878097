"""Embed the events of a record: a vector a code, moved along a direction of the code by the value, if it has one."""

import torch
from torch import nn

from semeia.data.modalities import Events
from semeia.shapes import Features, TokenMask, TokenValues


class EventEmbedding(nn.Module):
    """x = code + (valued + direction * value, with a value): a token sees its own event only, so it can be masked."""

    maskable = True

    def __init__(self, dim: int, *, modality: Events) -> None:
        super().__init__()
        codes = len(modality.vocabulary.codes) + 1  # and any other
        self.code = nn.Parameter(torch.randn(codes, dim) * 0.5)
        self.direction = nn.Parameter(torch.randn(codes, dim) * 0.5)
        self.valued = nn.Parameter(torch.randn(dim) * 0.02)

    def forward(self, values: Features, present: TokenMask) -> TokenValues:
        """Code, whether there is a value, and value, [n, 3], to [n, 1, dim]; absent events are masked later."""
        code, has, value = torch.where(present, values, 0.0)[..., None].unbind(1)
        number = code[:, 0].long()
        return (self.code[number] + has * self.valued + value * self.direction[number])[:, None]
