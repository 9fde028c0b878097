"""Spread rows over processes, and over time.

Every process of a group has the whole batch, draws the same chance and computes the same losses. What is costly and
treats rows one by one (reading observations, embeddings, transformer blocks) each process does for its share of the
rows, and hands the results to all. So an objective sees the whole batch, whatever it compares, centres or queues, and
knows nothing of processes. A share may be taken a few rows at a time and computed again for the gradient: the memory
of these rows alone, and the same losses (Gao et al. 2021, 2101.06983).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, distributed
from torch.autograd import Function
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from semeia.group import process_of
from semeia.sharding import is_sharded


@dataclass(frozen=True)
class Spread:
    """How rows are divided.

    Attributes:
        processes: over how many.
        rank: number of this one.
        at_once: rows that a network takes at once; 0 is all.
    """

    processes: int = 1
    rank: int = 0
    at_once: int = 0

    def share(self, rows: int) -> np.ndarray:
        """Number this process's rows; all have equally many: where they do not divide, the last row comes again."""
        size = -(-rows // self.processes)
        return np.arange(self.rank * size, (self.rank + 1) * size).clip(max=rows - 1)


ALONE = Spread()
_now: ContextVar[Spread] = ContextVar("spread", default=ALONE)


@contextmanager
def spreading(*, at_once: int = 0) -> Iterator[None]:
    """While the block runs, divide rows among the processes of the group, if there is one."""
    rank, processes = process_of()
    with _set(Spread(processes, rank, at_once)):
        yield


@contextmanager
def _set(spread: Spread) -> Iterator[None]:
    token = _now.set(spread)
    try:
        yield
    finally:
        _now.reset(token)


def by_rows(network: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """Apply a network of rows alone, which makes of one what does not depend on the others.

    One that normalises over the batch is not such: while it is trained, every process runs it on all rows.

    Gradients of its parameters are those of the own share, times the number of processes; all others are whole. Their
    mean over processes (`average_gradients`) is the gradient of the whole batch for both.

    Args:
        inputs: [row, ...] each.

    Returns:
        [row, ...], of all rows.
    """
    spread = _now.get()
    # In this order: of an exported graph no length may be asked.
    if spread == ALONE or not len(inputs[0]):
        return network(*inputs)
    rows = len(inputs[0])

    def alone(*own: Tensor) -> Tensor:
        with _set(ALONE):  # networks within networks
            return network(*own)

    if _compares_rows(network):
        return alone(*inputs)
    if spread.processes > 1:
        inputs = tuple(_Share.apply(one, spread) for one in inputs)
    if 0 < spread.at_once < len(inputs[0]):
        few = zip(*(one.split(spread.at_once) for one in inputs), strict=True)
        made = torch.cat([checkpoint(alone, *some, use_reentrant=False) for some in few])
    else:
        made = alone(*inputs)
    return _Everyone.apply(made, spread)[:rows] if spread.processes > 1 else made


def _compares_rows(network: Callable[..., Tensor]) -> bool:
    """Whether a network normalises by the statistics of the batch it is given."""
    layers = network.modules() if isinstance(network, torch.nn.Module) else ()
    return any(isinstance(layer, _BatchNorm) and layer.training for layer in layers)


def read_by_rows(
    read: Callable[[np.ndarray], tuple[Tensor, ...]], rows: np.ndarray, *, device: torch.device
) -> tuple[Tensor, ...]:
    """Read every row once, each process its share; `read` gives tensors [row, ...] of the same shape for any rows."""
    spread = _now.get()
    if spread.processes == 1 or not len(rows):
        return tuple(one.to(device) for one in read(rows))
    own = read(rows[spread.share(len(rows))])
    return tuple(_gathered(one.to(device), spread)[: len(rows)] for one in own)


def begin_alike(network: torch.nn.Module) -> None:
    """Give the network of every process the values that the first one's has."""
    if process_of()[1] > 1:
        for value in network.state_dict().values():
            distributed.broadcast(value, src=0)


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Give all processes the mean of their gradients, in one piece; of sharded weights they are that already."""
    processes = process_of()[1]
    gradients = [one.grad for one in parameters if one.grad is not None and not is_sharded(one)]
    if processes == 1 or not gradients:
        return
    flat = torch.cat([one.reshape(-1) for one in gradients])
    distributed.all_reduce(flat)
    for gradient, mean in zip(gradients, (flat / processes).split([one.numel() for one in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def _gathered(own: Tensor, spread: Spread) -> Tensor:
    """Put the shares of all processes one after another."""
    sent = own.to(torch.uint8) if own.dtype == torch.bool else own.contiguous()
    received = [torch.empty_like(sent) for _ in range(spread.processes)]
    distributed.all_gather(received, sent)
    return torch.cat(received).to(own.dtype)


class _Share(Function):
    """Take the own rows; backward, put the gradients of all together, each a mean over what `_Everyone` multiplied."""

    @staticmethod
    def forward(ctx, rows: Tensor, spread: Spread) -> Tensor:
        """[row, ...] to [share, ...]."""
        ctx.spread, ctx.rows = spread, len(rows)
        return rows[torch.from_numpy(spread.share(len(rows))).to(rows.device)]

    @staticmethod
    def backward(ctx, *gradients: Tensor) -> tuple[Tensor, None]:
        """[share, ...] to [row, ...]; rows that only fill up a share have none."""
        return _gathered(gradients[0], ctx.spread)[: ctx.rows] / ctx.spread.processes, None


class _Everyone(Function):
    """Put the rows of all processes together; backward, take the own ones, to be averaged over processes later."""

    @staticmethod
    def forward(ctx, own: Tensor, spread: Spread) -> Tensor:
        """[share, ...] to [process * share, ...]."""
        ctx.spread, ctx.share = spread, len(own)
        return _gathered(own, spread)

    @staticmethod
    def backward(ctx, *gradients: Tensor) -> tuple[Tensor, None]:
        """[process * share, ...] to [share, ...]."""
        first = ctx.spread.rank * ctx.share
        return gradients[0][first : first + ctx.share] * ctx.spread.processes, None
