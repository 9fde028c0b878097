"""Let several processes work as one: each on its share, with sums and decisions in common.

Nothing happens unless a `torch.distributed` process group is initialised (by `process_group`, for the processes that
`torchrun` started, or by the caller), and torch is not imported to find out.
"""

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from semeia.archive.atomic import naming
from semeia.errors import InputError

# While the first process makes the curves of millions of patients, the others wait.
LONGEST_WAIT = timedelta(days=1)
_TORCHRUN = "TORCHELASTIC_RUN_ID"  # it gives its processes this, beside their numbers

Block = TypeVar("Block")


@contextmanager
def process_group(device: str = "cpu") -> Iterator[None]:
    """Inside, the processes that torchrun started are one group; elsewhere nothing happens.

    Args:
        device: what they compute on, as torch names it; of "cuda", each takes the GPU of its number on its machine.
    """
    if _TORCHRUN not in os.environ:
        yield
        return
    from torch import cuda, distributed

    on_gpu = device.startswith("cuda")
    if on_gpu:
        cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=LONGEST_WAIT)
    try:
        yield
    finally:
        distributed.destroy_process_group()


@contextmanager
def with_others(processes: int, work: Callable[[], object]) -> Iterator[None]:
    """While the block runs, other processes of this machine do `work`; inside `process_group` all are one group.

    Those that torchrun has started are taken as they are.

    Args:
        processes: with this one.
        work: can be sent to another process; ends as the block does.

    Raises:
        Exception: that of another process, which has ended all.
    """
    if processes == 1 or _TORCHRUN in os.environ:
        yield
        return
    from concurrent.futures import wait

    from joblib.externals.loky import ProcessPoolExecutor

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {_TORCHRUN: "semeia", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(processes)}
    places = [{**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes)]
    executor = ProcessPoolExecutor(max_workers=processes - 1)
    others = [executor.submit(_work_as, place, work) for place in places[1:]]
    try:
        with _environment(places[0]):
            yield
    except RuntimeError:  # a connection that broke: another process knows why
        ended, _ = wait(others, timeout=10)
        for reason in (other.exception() for other in ended):
            if reason is not None and not isinstance(reason, RuntimeError):
                raise reason from None
        raise
    finally:
        executor.shutdown(wait=False, kill_workers=True)


def _work_as(place: dict[str, str], work: Callable[[], object]) -> None:
    with _environment(place), suppress(SystemExit):
        work()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


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
        distributed.all_reduce(torch.from_numpy(values))  # shares its memory


def largest(value: int) -> int:
    """Find the largest of the processes' values: what one has heard, all have."""
    if process_of()[1] == 1:
        return value
    import torch
    from torch import distributed

    shared = torch.tensor(value)
    distributed.all_reduce(shared, distributed.ReduceOp.MAX)
    return int(shared)


def from_first(values: np.ndarray) -> None:
    """Give every process what the first has: rounding may differ between machines, and all must decide alike."""
    if process_of()[0] > 0:
        values[...] = 0
    add_up(values)


def agreed(value: bool) -> bool:
    """Give every process what the first one says."""
    said = np.array([int(value)])
    from_first(said)
    return bool(said[0])


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
