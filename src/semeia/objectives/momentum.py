"""Slow copies of networks: what the moving averages of latent prediction, MoCo and BYOL have in common."""

import copy
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def slow_copy(network: Network) -> Network:
    """A copy that takes no gradient."""
    return copy.deepcopy(network).requires_grad_(False)


@torch.no_grad()
def follow(slow: nn.Module, fast: nn.Module, *, momentum: float) -> None:
    """slow <- momentum * slow + (1 - momentum) * fast for every parameter; buffers are copied."""
    for behind, ahead in zip(slow.parameters(), fast.parameters(), strict=True):
        behind.lerp_(ahead, 1 - momentum)
    for behind, ahead in zip(slow.buffers(), fast.buffers(), strict=True):
        behind.copy_(ahead)
