"""Make one pass of FastICA over the rows: the means of the update of an unmixing matrix.

A block of white rows Z is projected (Z W'), passed through g in place and multiplied with Z again: two buffers of one
block and one k x k matrix a thread are all the memory it takes. Sums over blocks are kept in float64.

Contrasts of Hyvarinen 1999 (IEEE Trans. Neural Networks 10(3), section III): tanh, the default; exp, the most robust
against outliers; cube (kurtosis), the least. `spare` is memory as large as y to work in.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from queue import SimpleQueue

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from semeia.group import add_up
from semeia.signatures.ica.blocks import Samples, block_rows, own_blocks
from semeia.signatures.ica.settings import Nonlinearity
from semeia.signatures.threads import in_order, one_thread_each

Projections = Float[Tensor, "b k"]
Sums = Float[Tensor, " k"]
# A GPU needs longer blocks to be busy.
GPU_ROWS = 65536


def tanh(y: Projections, spare: Projections) -> Sums:
    """g = tanh y, as 2 s(2y) - 1 with the logistic function s: the same values three times as fast on a CPU."""
    y.mul_(2).sigmoid_()
    torch.add(y.new_tensor(-1.0), y, alpha=2, out=y)
    torch.mul(y, y, out=spare)
    return len(y) - spare.sum(0)


def cube(y: Projections, spare: Projections) -> Sums:
    """g = y^3."""
    torch.mul(y, y, out=spare)
    y.mul_(spare)
    return 3 * spare.sum(0)


def exp(y: Projections, spare: Projections) -> Sums:
    """g = y exp(-y^2 / 2)."""
    torch.mul(y, y, out=spare)
    factor = (spare / -2).exp_()
    y.mul_(factor)
    return factor.mul_(spare.neg_().add_(1)).sum(0)


NONLINEARITIES: dict[Nonlinearity, Callable[[Projections, Projections], Sums]] = {
    "tanh": tanh,
    "cube": cube,
    "exp": exp,
}


@dataclass(frozen=True)
class Rows:
    """This process's share of the blocks, all of one type, as often as `blocks` is called."""

    blocks: Callable[[], Iterable[Float[Tensor, "b k"]]]
    dtype: torch.dtype


@dataclass(frozen=True)
class Pass:
    """How to go over the rows. `bf16`: both matrix products in bfloat16."""

    nonlinearity: Nonlinearity = "tanh"
    bf16: bool = False
    threads: int = 1


@dataclass(frozen=True)
class Means:
    """E[g(Wz) z'] and E[g'(Wz)] over all rows, in float64."""

    products: Float[Tensor, "k k"]
    slopes: Float[Tensor, " k"]


def rows_of(samples: Samples, device: torch.device, block: int | None = None) -> Rows:
    """The rows of `samples` on a device, read anew in every pass unless a GPU has room for them twice."""
    columns = samples.shape[1]
    dtype = torch.from_numpy(samples.rows(0, 1).copy()).dtype
    size = block or max(block_rows(columns, 4), GPU_ROWS if device.type == "cuda" else 0)

    def read() -> Iterator[Tensor]:
        for _, rows in own_blocks(samples, size):
            # torch refuses memory that is read-only.
            yield torch.from_numpy(rows if rows.flags.writeable else rows.copy()).to(device)

    if device.type != "cuda" or samples.shape[0] * columns * dtype.itemsize > torch.cuda.mem_get_info(device)[0] // 2:
        return Rows(read, dtype)
    held = list(read())
    return Rows(lambda: held, dtype)


def sweep(rows: Rows, unmixing: Float[Tensor, "k k"], how: Pass) -> Means:
    """What one update of FastICA needs (Hyvarinen 1999, eq. 20), over the rows of all processes of a group."""
    size, device = len(unmixing), unmixing.device
    products = torch.zeros(size, size, dtype=torch.float64, device=device)
    # The last entry counts rows.
    slopes = torch.zeros(size + 1, dtype=torch.float64, device=device)
    unmixing = unmixing.to(rows.dtype)
    threads = how.threads if device.type == "cpu" else 1
    spaces: SimpleQueue[list[Tensor]] = SimpleQueue()
    for _ in range(threads):
        spaces.put([])

    def work(block: Tensor) -> tuple[Tensor, Tensor]:
        space = spaces.get()
        try:
            return _block_sums(block, unmixing, how, space)
        finally:
            spaces.put(space)

    with one_thread_each() if device.type == "cpu" else nullcontext():
        for product, slope in in_order(rows.blocks(), work, threads=threads):
            products += product
            slopes += slope
    totals = [products.cpu(), slopes.cpu()]
    add_up(*(total.numpy() for total in totals))
    products, slopes = (total.to(device) for total in totals)
    return Means(products / slopes[-1], slopes[:-1] / slopes[-1])


def _block_sums(
    block: Float[Tensor, "b k"], unmixing: Float[Tensor, "k k"], how: Pass, space: list[Tensor]
) -> tuple[Float[Tensor, "k k"], Float[Tensor, " k1"]]:
    if not space:
        space += [torch.empty_like(block), torch.empty_like(block)]
    y, spare = (buffer[: len(block)] for buffer in space)
    _multiply(block, unmixing.T, y, how.bf16)
    slopes = NONLINEARITIES[how.nonlinearity](y, spare).double()
    product = torch.empty_like(unmixing)
    _multiply(y.T, block, product, how.bf16)
    return product, torch.cat([slopes, slopes.new_tensor([len(block)])])


def _multiply(a: Float[Tensor, "m n"], b: Float[Tensor, "n k"], out: Float[Tensor, "m k"], bf16: bool) -> None:
    if bf16:
        out.copy_(a.bfloat16() @ b.bfloat16())
    elif a.device.type == "cpu":
        # numpy's BLAS (OpenBLAS), not torch's (MKL), which is up to 1.7 times slower here on AMD processors.
        np.matmul(a.numpy(), b.numpy(), out=out.numpy())
    else:
        torch.mm(a, b, out=out)
