"""Mean and covariance of mostly filled rows: what differs from the fill row goes in, the moments of full rows come out.

Every row is the fill row plus a sparse difference, and a constant added to all rows changes no covariance: products are
taken over pairs of values that are there, a few thousand times fewer than pairs of channels.
"""

from typing import no_type_check

import numpy as np

from semeia.compiled import compiled
from semeia.signatures.matrix import SectionMatrix
from semeia.signatures.moments import Moments, moments

_ROWS = 8192  # at a time
_WORTH = 5  # times as many channels as values: a product of pairs one by one is slower than one of whole blocks


def section_moments(matrix: SectionMatrix) -> Moments:
    """Mean and covariance of all rows, the faster way: by what is there, or, of crowded rows, by whole blocks."""
    rows, channels = matrix.shape
    return sparse_moments(matrix) if matrix.size * _WORTH < rows * channels else moments(matrix)


def sparse_moments(matrix: SectionMatrix) -> Moments:
    """The same as `moments.moments(matrix)`, in one pass over the values that are there."""
    rows, channels = matrix.shape
    total, products = np.zeros(channels), np.zeros((channels, channels))
    for row, channel, deviation in matrix.deviations(_ROWS):
        total += np.bincount(channel, deviation, channels)
        _add_products(np.searchsorted(row, np.arange(row.max(initial=-1) + 2)), channel, deviation, products)
    mean = total / rows
    products += np.triu(products, 1).T
    covariance = products / rows - np.outer(mean, mean)
    return Moments(rows, mean + matrix.fill_row, covariance, float(np.finfo(np.float32).eps))


@compiled
@no_type_check
def _add_products(begins, channel, deviation, products):
    """Add each row's outer product with itself to the upper triangle; channels rise within a row."""
    for row in range(begins.size - 1):
        for one in range(begins[row], begins[row + 1]):
            into, factor = products[channel[one]], deviation[one]
            for other in range(one, begins[row + 1]):
                into[channel[other]] += factor * deviation[other]
