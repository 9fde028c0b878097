"""One fit by several processes: each reads its share of the blocks, sums are added up over all of them.

Nothing happens unless a `torch.distributed` process group is initialised (`torchrun` and
`torch.distributed.init_process_group`), and torch is not imported to find out.
"""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import numpy as np

Block = TypeVar("Block")


def process_of() -> tuple[int, int]:
    """This process's number and how many there are; (0, 1) without a process group."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


def own_share(blocks: Iterable[Block]) -> Iterator[Block]:
    """Every k-th block, each process another; without a group, all blocks."""
    rank, processes = process_of()
    return islice(iter(blocks), rank, None, processes)


def add_up(*sums: np.ndarray) -> None:
    """Add each array (C order) to that of the other processes, in place: all end with the same values."""
    if process_of()[1] == 1:
        return
    import torch
    from torch import distributed

    for values in sums:
        # nccl adds up on GPUs only.
        shared = torch.from_numpy(values).to("cuda" if distributed.get_backend() == "nccl" else "cpu")
        distributed.all_reduce(shared)
        values[...] = shared.cpu().numpy()


def from_first(values: np.ndarray) -> None:
    """Give every process what the first has: rounding may differ between machines, and all must decide alike."""
    if process_of()[0] > 0:
        values[...] = 0
    add_up(values)


def wait_for_all() -> None:
    """Return once every process has come this far."""
    if process_of()[1] > 1:
        from torch import distributed

        distributed.barrier()
