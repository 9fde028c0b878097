"""Rows to mean and covariance in one pass.

Products are summed in float64 whatever the rows are, shifted by the first row: a channel that never changes has a
variance of exactly zero, and a large mean costs no digits.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from semeia.errors import InputError
from semeia.signatures.ica.blocks import Samples, block_rows, own_blocks
from semeia.signatures.ica.group import add_up
from semeia.signatures.threads import LARGE, in_order, one_thread_each


@dataclass(frozen=True)
class Moments:
    """Mean and covariance (divided by the number of rows); `step` is the relative rounding of the samples."""

    rows: int
    mean: Float[np.ndarray, " p"]
    covariance: Float[np.ndarray, "p p"]
    step: float


def moments(samples: Samples, *, block: int | None = None, threads: int = 1) -> Moments:
    """Mean and covariance of all rows in one pass; under a process group each process reads its share.

    Raises:
        InputError: Fewer than two rows, or a value that is not finite.
    """
    rows, channels = samples.shape
    if rows < 2 or channels < 1:
        raise InputError(f"{rows} rows of {channels} channels have no covariance: give at least two rows.")
    first = samples.rows(0, 1)
    shift = first[0].astype(np.float64)
    size = block or block_rows(channels, 8)
    parts = (part for _, part in own_blocks(samples, size))
    total, products = (_sums if channels < LARGE else _sums_in_place)(parts, shift, threads)
    add_up(total, products.T)
    mean = total / rows
    products /= rows
    for row in range(channels):
        products[: row + 1, row] -= mean[: row + 1] * mean[row]
        products[row, : row + 1] = products[: row + 1, row]
    if not np.isfinite(np.einsum("ii->", products)):
        raise InputError("the samples hold a value that is not a finite number: fill or drop it before a fit.")
    return Moments(rows, mean + shift, products, float(np.finfo(first.dtype).eps))


def _sums(
    parts: Iterator[Float[np.ndarray, "b p"]], shift: Float[np.ndarray, " p"], threads: int
) -> tuple[Float[np.ndarray, " p"], Float[np.ndarray, "p p"]]:
    """Sums of the shifted rows and (upper triangle) of their products; blocks dealt to threads, added up in order."""
    from scipy.linalg.blas import dsyrk  # pyright: ignore[reportAttributeAccessIssue]

    def work(part: Float[np.ndarray, "b p"]) -> tuple[np.ndarray, np.ndarray]:
        moved = np.subtract(part, shift, dtype=np.float64)
        return np.ones(len(moved)) @ moved, dsyrk(1.0, moved.T)

    total, products = np.zeros(len(shift)), np.zeros((len(shift), len(shift)), order="F")
    with one_thread_each():
        for row, product in in_order(parts, work, threads=threads):
            total += row
            products += product
    return total, products


def _sums_in_place(
    parts: Iterator[Float[np.ndarray, "b p"]], shift: Float[np.ndarray, " p"], threads: int
) -> tuple[Float[np.ndarray, " p"], Float[np.ndarray, "p p"]]:
    """The same for many channels: there is one matrix of products only, and BLAS has as many threads as it likes."""
    from scipy.linalg.blas import dsyrk  # pyright: ignore[reportAttributeAccessIssue]

    total, products = np.zeros(len(shift)), np.zeros((len(shift), len(shift)), order="F")
    for part in parts:
        moved = np.subtract(part, shift, dtype=np.float64)
        total += np.ones(len(moved)) @ moved
        products = dsyrk(1.0, moved.T, beta=1.0, c=products, overwrite_c=1)
    return total, products
