"""Samples to white samples: one pass for mean and covariance, one eigendecomposition, one pass that writes.

Products are summed in float64 whatever the samples are, shifted by the first row: a channel that never changes has a
variance of exactly zero, and a large mean costs no digits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from semeia.archive.atomic import naming
from semeia.errors import InputError
from semeia.signatures.blocks import ArraySamples, FileSamples, Samples, block_rows, open_samples
from semeia.signatures.processes import add_up, own_share, process_of, wait_for_all
from semeia.signatures.threads import LARGE, in_order, one_thread_each, threads_for

# A direction counts if its SD is this many rounding steps of the samples: whitened, it is then 1 % rounding at most.
LEAST_STEPS = 100


@dataclass(frozen=True)
class Moments:
    """Mean and covariance (divided by the number of rows); `step` is the relative rounding of the samples."""

    rows: int
    mean: Float[np.ndarray, " p"]
    covariance: Float[np.ndarray, "p p"]
    step: float


@dataclass(frozen=True)
class Whitening:
    """z = matrix (x - mean) has the identity as covariance; x is about mean + colouring z.

    Directions come by descending variance; in each, the largest entry is positive. `total_variance` is that of all
    channels, `variances` are those of the directions kept.
    """

    mean: Float[np.ndarray, " p"]
    matrix: Float[np.ndarray, "k p"]
    colouring: Float[np.ndarray, "p k"]
    variances: Float[np.ndarray, " k"]
    total_variance: float
    rows: int


def moments(samples: Samples, *, block: int | None = None, threads: int = 1) -> Moments:
    """Mean and covariance of all rows in one pass; under a process group each process reads its share.

    Raises:
        InputError: Fewer than two rows, or a value that is not finite.
    """
    rows, channels = samples.shape
    if rows < 2 or channels < 1:
        raise InputError(f"{rows} rows of {channels} channels have no covariance: give at least two rows.")
    first = next(iter(samples.blocks(1)))
    shift = first[0].astype(np.float64)
    size = block or block_rows(channels, 8)
    total, products = (_sums if channels < LARGE else _sums_in_place)(own_share(samples.blocks(size)), shift, threads)
    add_up(total, products.T)
    mean = total / rows
    products /= rows
    for row in range(channels):
        products[: row + 1, row] -= mean[: row + 1] * mean[row]
        products[row, : row + 1] = products[: row + 1, row]
    if not np.isfinite(np.einsum("ii->", products)):
        raise InputError("the samples hold a value that is not a finite number: fill or drop it before a fit.")
    return Moments(rows, mean + shift, products, float(np.finfo(first.dtype).eps))


def whiten(found: Moments, *, components: int | None = None, trim: bool = False) -> Whitening:
    """The whitening onto the `components` directions of largest variance (Hyvarinen & Oja 2000, section 5.2).

    Args:
        found: from `moments`.
        components: how many directions; None takes as many as the samples have.
        trim: take fewer where the samples have fewer, instead of refusing.

    Raises:
        InputError: More components than directions that are not rounding (the rank).
    """
    from scipy.linalg import eigh

    channels = len(found.mean)
    if components is not None and components < 1:
        raise InputError(f"components: {components} cannot be fitted; ask for one or more.")
    keep = min(components or channels, channels)
    with threads_for(channels):
        variances, directions = eigh(found.covariance, subset_by_index=[channels - keep, channels - 1])
    variances, directions = variances[::-1], directions[:, ::-1]
    constant = np.diag(found.covariance) == 0
    rank = int((variances > _rounding(found, float(variances[0]))).sum())
    if rank == 0 or (not trim and (components or 0) > rank):
        raise InputError(
            f"components: {components or 'all'} were asked for, but {found.rows} rows of {channels} channels "
            f"({constant.sum()} constant) have rank {rank}; "
            + (f"ask for at most {rank}." if rank else "nothing varies.")
        )
    # A constant channel has a part in nothing, not even by rounding.
    variances, directions = variances[:rank], np.where(constant[:, None], 0.0, directions[:, :rank])
    largest = np.abs(directions).argmax(axis=0)
    directions *= np.sign(directions[largest, np.arange(rank)])
    spread = np.sqrt(variances)
    return Whitening(
        mean=found.mean,
        matrix=np.ascontiguousarray((directions / spread).T),
        colouring=directions * spread,
        variances=variances,
        total_variance=float(np.trace(found.covariance)),
        rows=found.rows,
    )


def whitened(
    samples: Samples,
    whitening: Whitening,
    *,
    path: Path | None = None,
    dtype: Literal["float32", "float64"] = "float32",
    block: int | None = None,
    threads: int = 1,
) -> ArraySamples | FileSamples:
    """The whitened rows, in memory or, with `path`, in a .npy file.

    The file is scratch: written in place without flushing, worth nothing once the fit is done. Processes of a group
    write their blocks into one file, so `path` must be one that all of them see.
    """
    rows, kept = samples.shape[0], len(whitening.matrix)
    size = block or block_rows(max(samples.shape[1], kept), np.dtype(dtype).itemsize)
    transposed = np.ascontiguousarray(whitening.matrix.T, dtype=dtype)

    def work(numbered: tuple[int, np.ndarray]) -> tuple[int, np.ndarray]:
        number, part = numbered
        moved = np.empty(part.shape, dtype)
        # Subtracted in float64, rounded once.
        np.subtract(part, whitening.mean, out=moved, dtype=np.float64, casting="same_kind")
        return number, moved @ transposed

    if path is None:
        values = np.empty((rows, kept), dtype)
        with one_thread_each():
            for number, part in in_order(enumerate(samples.blocks(size)), work, threads=threads):
                values[number * size : number * size + len(part)] = part
        return ArraySamples(values)
    with naming(path):
        if process_of()[0] == 0:
            np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(rows, kept))
        wait_for_all()
        file = open_samples(path)
        # Plain writes, not a writable mapping: a full disk is then an error, not the end of the process.
        with path.open("r+b") as stream, one_thread_each():
            for number, part in in_order(own_share(enumerate(samples.blocks(size))), work, threads=threads):
                stream.seek(file.offset + number * size * kept * file.dtype.itemsize)
                stream.write(part.data)
        wait_for_all()
    return file


def _rounding(found: Moments, largest: float) -> float:
    """The variance below which a direction is rounding: of the samples themselves, or of their covariance."""
    varies = np.diag(found.covariance) > 0
    reach = largest + float(np.square(found.mean[varies]).max(initial=0.0))
    of_covariance = 10 * len(found.mean) * float(np.finfo(np.float64).eps) * largest
    return max(of_covariance, (LEAST_STEPS * found.step) ** 2 * reach)


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
