"""Take mean and covariance of rows in one pass.

Products are summed in float64 whatever the rows are, shifted by the first row: a channel that never changes has a
variance of exactly zero, and a large mean costs no digits.

Every row is the fill row plus a sparse difference, and a constant added to all rows changes no covariance: products are
taken over pairs of values that are there, a few thousand times fewer than pairs of channels.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int

from semeia.compiled import compiled
from semeia.errors import InputError
from semeia.group import add_up, own_share
from semeia.signatures.ica.blocks import RepeatedRows, Samples, block_rows, own_blocks
from semeia.signatures.matrix import SectionMatrix
from semeia.signatures.threads import LARGE, in_order, one_thread_each

_ROWS = 8192  # at a time
_WORTH = 5  # times as many channels as values: a product of pairs one by one is slower than one of whole blocks
# Of the mean square of what a channel differs from its fill by; a smaller variance is the rounding of a constant.
_CONSTANT = 1e-10


@dataclass(frozen=True)
class Moments:
    """Mean and covariance (divided by the number of rows); `step` is the relative rounding of the samples."""

    rows: int
    mean: Float[np.ndarray, " p"]
    covariance: Float[np.ndarray, "p p"]
    step: float


def moments(samples: Samples, *, block: int | None = None, threads: int = 1) -> Moments:
    """Mean and covariance of all rows in one pass; under a process group each process reads its share."""
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


def section_moments(samples: Samples, *, threads: int = 1) -> Moments:
    """Mean and covariance of all rows, the faster way: by what is there, or, of crowded rows, by whole blocks."""
    matrix, counts = samples, None
    if isinstance(samples, RepeatedRows):
        matrix, counts = samples.samples, samples.counts
    if isinstance(matrix, SectionMatrix) and matrix.size * _WORTH < matrix.shape[0] * matrix.shape[1]:
        return sparse_moments(matrix, counts)
    return moments(samples, threads=threads)


def sparse_moments(matrix: SectionMatrix, counts: Int[np.ndarray, " rows"] | None = None) -> Moments:
    """The same as `moments`, in one pass over the values that are there; each row `counts` times, or once."""
    rows, channels = matrix.shape
    often = np.ones(rows) if counts is None else counts.astype(np.float64)
    total, products = np.zeros(channels), np.zeros((channels, channels))
    for start in own_share(range(0, rows, _ROWS)):
        row, channel, deviation = matrix.deviations(start, min(start + _ROWS, rows))
        weight = often[start + row]
        total += np.bincount(channel, weight * deviation, channels)
        begins = np.searchsorted(row, np.arange(row.max(initial=-1) + 2))
        _add_products(begins, channel, deviation, weight, products)
    add_up(total, products)
    mean, squares = total / often.sum(), products.diagonal() / often.sum()
    products += np.triu(products, 1).T
    covariance = products / often.sum() - np.outer(mean, mean)
    constant = covariance.diagonal() <= _CONSTANT * squares
    covariance[constant], covariance[:, constant] = 0.0, 0.0
    return Moments(int(often.sum()), mean + matrix.fill_row, covariance, float(np.finfo(np.float32).eps))


@compiled
@no_type_check
def _add_products(begins, channel, deviation, weight, products):
    """Add each row's outer product with itself to the upper triangle; channels rise within a row."""
    for row in range(begins.size - 1):
        for one in range(begins[row], begins[row + 1]):
            into, factor = products[channel[one]], weight[one] * deviation[one]
            for other in range(one, begins[row + 1]):
                into[channel[other]] += factor * deviation[other]
