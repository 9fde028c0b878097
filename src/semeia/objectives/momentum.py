"""Keep momentum encoders: the moving averages of latent prediction, MoCo and BYOL."""

import copy
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def momentum_copy(network: Network) -> Network:
    """Copy a network; the copy takes no gradient."""
    return copy.deepcopy(network).requires_grad_(False)


@torch.no_grad()
def update_momentum(slow: nn.Module, fast: nn.Module, *, momentum: float) -> None:
    """Move the copy: slow <- momentum * slow + (1 - momentum) * fast for every parameter; buffers are copied."""
    for behind, ahead in zip(slow.parameters(), fast.parameters(), strict=True):
        behind.lerp_(ahead, 1 - momentum)
    for behind, ahead in zip(slow.buffers(), fast.buffers(), strict=True):
        behind.copy_(ahead)
