"""Mean and covariance of mostly filled rows: what differs from the fill row goes in, the moments of full rows come out.

Every row is the fill row plus a sparse difference, and a constant added to all rows changes no covariance: products are
taken over pairs of values that are there, a few thousand times fewer than pairs of channels.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Int

from semeia.compiled import compiled
from semeia.signatures.ica.blocks import RepeatedRows, Samples
from semeia.signatures.ica.group import add_up, own_share
from semeia.signatures.ica.moments import Moments, moments
from semeia.signatures.matrix import SectionMatrix

_ROWS = 8192  # at a time
_WORTH = 5  # times as many channels as values: a product of pairs one by one is slower than one of whole blocks
# Of the mean square of what a channel differs from its fill by; a smaller variance is the rounding of a constant.
_CONSTANT = 1e-10


def section_moments(samples: Samples, *, threads: int = 1) -> Moments:
    """Mean and covariance of all rows, the faster way: by what is there, or, of crowded or other rows, by whole blocks.

    Args:
        samples: sections, a bootstrap draw of them, or any other rows.
        threads: blocks worked on at a time.
    """
    matrix, counts = samples, None
    if isinstance(samples, RepeatedRows):
        matrix, counts = samples.samples, samples.counts
    if isinstance(matrix, SectionMatrix) and matrix.size * _WORTH < matrix.shape[0] * matrix.shape[1]:
        return sparse_moments(matrix, counts)
    return moments(samples, threads=threads)


def sparse_moments(matrix: SectionMatrix, counts: Int[np.ndarray, " rows"] | None = None) -> Moments:
    """The same as `moments.moments`, in one pass over the values that are there.

    Args:
        matrix: the sections.
        counts: how often each row is there; None for once.
    """
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
