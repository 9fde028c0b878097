"""Keep independent components in one form, whatever solver found them.

A fit finds components up to order, sign and scale. Here they get: an SD of 0.5 on the rows they were fitted on (one
unit is then the step from one SD below the mean to one above, as for a 0/1 channel; Gelman 2008); a positive largest
|mixing| entry, so a component reads as what it raises most (of entries that are as good as equal, such as those of a
channel and its complement, the first); and descending explained variance, which follows from the
mixing alone and does not hang on single extreme rows, as kurtosis does.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from semeia.signatures.ica.whitening import Whitening

SD = 0.5
TIED = 1e-3  # part of the largest entry: rounding must not choose a sign


@dataclass(frozen=True)
class Components:
    """expressions = (x - mean) unmixing'; x is about mean + expressions mixing'.

    `explained` is each component's part of the variance of all channels.
    """

    mean: Float[np.ndarray, " p"]
    unmixing: Float[np.ndarray, "k p"]
    mixing: Float[np.ndarray, "p k"]
    explained: Float[np.ndarray, " k"]


def canonical(rotation: Float[np.ndarray, "k k"], whitening: Whitening) -> Components:
    """The components of a rotation of white rows, in the form described above.

    Args:
        rotation: one row a component; order, signs and lengths of the rows do not matter.
        whitening: what made the rows white.
    """
    # White rows have the identity as covariance, so a row of length 0.5 gives an SD of 0.5.
    scaled = SD * rotation / np.linalg.norm(rotation, axis=1, keepdims=True)
    mixing = whitening.colouring @ np.linalg.inv(scaled)
    size = np.abs(mixing)
    largest = (size >= (1 - TIED) * size.max(axis=0)).argmax(axis=0)  # the first that is True
    signs = np.sign(mixing[largest, np.arange(len(scaled))])
    explained = np.square(mixing).sum(axis=0) * SD**2 / whitening.total_variance
    order = np.argsort(-explained, kind="stable")
    return Components(
        mean=whitening.mean,
        unmixing=((scaled * signs[:, None]) @ whitening.matrix)[order],
        mixing=(mixing * signs)[:, order],
        explained=explained[order],
    )


def amari_index(unmixing: Float[np.ndarray, "k p"], mixing: Float[np.ndarray, "p k"]) -> float:
    """How far unmixing @ mixing is from a scaled permutation: 0 is one, 1 the farthest (Amari et al. 1996).

    Args:
        unmixing: as fitted.
        mixing: the true mixing, channels in rows.
    """
    gain = np.abs(unmixing @ mixing)
    by_row = gain / gain.max(axis=1, keepdims=True)
    by_column = gain / gain.max(axis=0, keepdims=True)
    size = len(gain)
    return float((by_row.sum() + by_column.sum() - 2 * size) / (2 * size * max(size - 1, 1)))
