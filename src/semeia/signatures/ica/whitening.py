"""Rows to white rows: one eigendecomposition of their covariance, and one pass that writes them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from semeia.archive.atomic import naming
from semeia.errors import InputError
from semeia.group import process_of, wait_for_all
from semeia.signatures.ica.blocks import (
    ArraySamples,
    FileSamples,
    Samples,
    block_rows,
    blocks,
    open_samples,
    own_blocks,
)
from semeia.signatures.ica.moments import Moments
from semeia.signatures.threads import in_order, one_thread_each, threads_for

# A direction counts if its SD is this many rounding steps of the samples: whitened, it is then 1 % rounding at most.
LEAST_STEPS = 100


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


def whiten(found: Moments, *, components: int | None = None, trim: bool = False) -> Whitening:
    """The whitening onto the `components` directions of largest variance (Hyvarinen & Oja 2000, section 5.2).

    Args:
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

    def work(placed: tuple[int, np.ndarray]) -> tuple[int, np.ndarray]:
        place, part = placed
        moved = np.empty(part.shape, dtype)
        # Subtracted in float64, rounded once.
        np.subtract(part, whitening.mean, out=moved, dtype=np.float64, casting="same_kind")
        return place, moved @ transposed

    if path is None:
        values = np.empty((rows, kept), dtype)
        with one_thread_each():
            every = enumerate(blocks(samples, size))
            for number, part in in_order(every, work, threads=threads):
                values[number * size : number * size + len(part)] = part
        return ArraySamples(values)
    with naming(path):
        if process_of()[0] == 0:
            np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(rows, kept))
        wait_for_all()
        file = open_samples(path)
        # Plain writes, not a writable mapping: a full disk is then an error, not the end of the process.
        with path.open("r+b") as stream, one_thread_each():
            for start, part in in_order(own_blocks(samples, size), work, threads=threads):
                stream.seek(file.offset + start * kept * file.dtype.itemsize)
                stream.write(part.data)
        wait_for_all()
    return file


def _rounding(found: Moments, largest: float) -> float:
    """The variance below which a direction is rounding: of the samples themselves, or of their covariance."""
    varies = np.diag(found.covariance) > 0
    reach = largest + float(np.square(found.mean[varies]).max(initial=0.0))
    of_covariance = 10 * len(found.mean) * float(np.finfo(np.float64).eps) * largest
    return max(of_covariance, (LEAST_STEPS * found.step) ** 2 * reach)
