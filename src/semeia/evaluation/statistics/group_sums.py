"""Draw weights summed by group of rows: how much of each group every bootstrap draw holds.

Weights `[draws, n]` and the group of each row `[n]` go in; `[draws, groups]` comes out. Whatever depends on a
row only through its group (a bin of scores, the thresholds it passes) is computed on the groups afterwards.
"""

import numpy as np
from jaxtyping import Float, Int, Shaped


def group_sums(
    weights: Shaped[np.ndarray, "draws n"],
    group: Int[np.ndarray, "n"],
    *,
    groups: int,
    value: Shaped[np.ndarray, "n"] | None = None,
) -> Float[np.ndarray, "draws groups"]:
    """Sum of `weights * value` over the rows of each group, in every draw.

    Args:
        weights: how often each row is in each draw.
        group: 0 to groups - 1.
        groups: how many there are; an empty one sums to zero.
        value: one number a row; ones by default.
    """
    from scipy.sparse import csr_array

    value = np.ones(len(group)) if value is None else value.astype(np.float64)
    # a sparse product adds whole rows of draws, in the order in which they lie in memory.
    table = csr_array((value, (group, np.arange(len(group)))), shape=(groups, len(group)))
    return (table @ weights.T).T
