"""Draw weights summed by group of rows: how much of each group every bootstrap draw holds.

Whatever depends on a row only through its group (a bin of scores, the thresholds it passes) is computed on the groups
afterwards.
"""

import numpy as np
from jaxtyping import Float, Shaped

from semeia.evaluation.shapes import Column, Numbers, Weights


def group_sums(
    weights: Weights, group: Numbers, *, groups: int, value: Column | None = None
) -> Float[np.ndarray, "draws groups"]:
    """Sum of `weights * value` over the rows of each group, in every draw.

    Args:
        weights: how often each row is in each draw.
        group: 0 to groups - 1.
        groups: how many there are; an empty one sums to zero.
        value: one number a row; ones by default.
    """
    values = np.ones((len(group), 1)) if value is None else value[:, None]
    return sums_by_group(weights, group, values, groups=groups)[:, 0].T


def ratio(above: np.ndarray, below: np.ndarray, *, empty: float = np.nan) -> np.ndarray:
    """`above / below`, broadcast; `empty` where there is nothing below."""
    return np.divide(above, below, out=np.full(above.shape, empty), where=below > 0)


def sums_by_group(
    weights: Weights, group: Numbers, values: Shaped[np.ndarray, "n k"], *, groups: int
) -> Float[np.ndarray, "groups k draws"]:
    """The same of several values at once, in one pass over the weights."""
    from semeia.evaluation.statistics.draw_sums import add_sums, rows_first

    sums = np.zeros((groups, values.shape[1], len(weights)))
    add_sums(rows_first(weights), group.astype(np.int64), np.ascontiguousarray(values, dtype=np.float64), sums)
    return sums
