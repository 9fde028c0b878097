"""Shard a network over the processes of a group: each keeps its part of every weight (FSDP2).

Gradients, momentum encoders and the optimiser's state are held in parts, too. A part of the network that is named is
whole only while it computes; what lies outside of these, for the whole of a step. Losses stay those of one process.
Source: Zhao et al. 2023 (2304.11277), as `torch.distributed.fsdp.fully_shard` has it.
"""

import copy
from collections.abc import Iterable
from typing import TypeVar

import torch
from torch import distributed, nn

Network = TypeVar("Network", bound=nn.Module)


def shard(network: Network, parts: Iterable[nn.Module], *, method: str) -> Network:
    """Shard a network in place, before its optimiser is made; returns a copy without weights, for `whole_again`.

    Args:
        parts: of the network, such as its transformer blocks.
        method: what is called of the network in a step.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    bare = {
        id(one): nn.Parameter(torch.empty_like(one, device="meta"), one.requires_grad) for one in network.parameters()
    }
    plain = copy.deepcopy(network, bare)
    mesh = init_device_mesh(next(network.parameters()).device.type, (distributed.get_world_size(),))
    for part in (*parts, network):
        fully_shard(part, mesh=mesh, reshard_after_forward=True)
    register_fsdp_forward_method(network, method)
    return plain


def whole_again(plain: Network, network: Network) -> Network:
    """Give the copy that `shard` made the weights that were trained."""
    plain.load_state_dict({name: whole(value) for name, value in network.state_dict().items()}, assign=True)
    return plain


def is_sharded(tensor: torch.Tensor) -> bool:
    """Whether each process holds its part of a tensor alone."""
    return hasattr(tensor, "full_tensor")


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """Put a tensor together that is held in parts, in all processes at once; any other is returned."""
    return tensor.full_tensor() if is_sharded(tensor) else tensor  # pyright: ignore[reportAttributeAccessIssue]


def part_of(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Take this process's part of a tensor, as `like` is held; the whole where that is whole."""
    if not is_sharded(like):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(tensor.to(like.device), like.device_mesh, like.placements)  # pyright: ignore[reportAttributeAccessIssue]
