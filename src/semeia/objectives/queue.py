"""Remember the vectors of earlier batches, for contrasts that need more than a batch to compare with."""

import torch
from torch import nn

from semeia.shapes import Embeddings


class KeyQueue(nn.Module):
    """The last keys, the oldest overwritten first. Part of the state; places not yet written count for nothing."""

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.keys: torch.Tensor
        self.written: torch.Tensor
        self.register_buffer("keys", torch.zeros(size, dim))
        self.register_buffer("written", torch.zeros((), dtype=torch.long))

    def known(self) -> Embeddings:
        """Copy what is remembered, [at most size, dim]: the gradient still needs it when new keys have come in."""
        return self.keys[: int(self.written.clamp(max=len(self.keys)))].clone()

    def remember(self, keys: Embeddings) -> None:
        """Write keys, [n, dim], over the oldest ones."""
        size = len(self.keys)
        keys = keys[max(len(keys) - size, 0) :]
        self.keys[(self.written + torch.arange(len(keys), device=keys.device)) % max(size, 1)] = keys
        self.written += len(keys)
