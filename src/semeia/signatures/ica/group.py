"""Fit by several processes: each reads its share of the blocks, sums are added up over all of them.

Nothing happens unless a `torch.distributed` process group is initialised (by `process_group`, for the processes that
`torchrun` started, or by the caller), and torch is not imported to find out.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from semeia.archive.atomic import naming
from semeia.errors import InputError

# While the first process makes the curves of millions of patients, the others wait.
LONGEST_WAIT = timedelta(days=1)

Block = TypeVar("Block")


@contextmanager
def process_group(device: str = "cpu") -> Iterator[None]:
    """Inside, the processes that torchrun started are one group; elsewhere nothing happens.

    Args:
        device: what they compute on, as torch names it; of "cuda", each takes the GPU of its number on its machine.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield
        return
    from torch import cuda, distributed

    on_gpu = device.startswith("cuda")
    if on_gpu:
        cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if on_gpu else "gloo", timeout=LONGEST_WAIT)
    try:
        yield
    finally:
        distributed.destroy_process_group()


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


@contextmanager
def shared_folder(within: Path | None) -> Iterator[Path]:
    """A folder that is gone afterwards; that of a group is the same for all its processes.

    Args:
        within: where to make it; a group needs a folder that all its processes see, and that no other group uses. None:
            the system's temporary folder.
    """
    rank, processes = process_of()
    if within is not None:
        with naming(within):
            within.mkdir(parents=True, exist_ok=True)
    if processes == 1:
        with tempfile.TemporaryDirectory(dir=within) as folder:
            yield Path(folder)
        return
    if within is None:
        raise InputError("scratch: several processes need a folder that all of them see.")
    folder = within / "shared"
    with naming(folder):
        folder.mkdir(exist_ok=True)
    wait_for_all()
    try:
        yield folder
        wait_for_all()
    finally:
        if rank == 0:
            shutil.rmtree(folder, ignore_errors=True)
