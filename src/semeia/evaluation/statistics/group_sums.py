"""Draw weights summed by group of rows: what depends on a row only through its group is computed on these."""

import numpy as np
from jaxtyping import Float, Shaped

from semeia.evaluation.shapes import Numbers, Weights


def group_sums(weights: Weights, group: Numbers, *, groups: int) -> Float[np.ndarray, "draws groups"]:
    """How many rows of each group, 0 to groups - 1, every draw holds; none of an empty one."""
    return sums_by_group(weights, group, np.ones((len(group), 1)), groups=groups)[:, 0].T


def ratio(above: np.ndarray, below: np.ndarray, *, empty: float = np.nan) -> np.ndarray:
    """`above / below`, broadcast; `empty` where there is nothing below."""
    return np.divide(above, below, out=np.full(above.shape, empty), where=below > 0)


def sums_by_group(
    weights: Weights, group: Numbers, values: Shaped[np.ndarray, "n k"], *, groups: int
) -> Float[np.ndarray, "groups k draws"]:
    """Sums of several values over the rows of each group in every draw, in one pass over the weights."""
    from semeia.evaluation.statistics.draw_sums import add_sums, rows_first

    sums = np.zeros((groups, values.shape[1], len(weights)))
    add_sums(rows_first(weights), group.astype(np.int64), np.ascontiguousarray(values, dtype=np.float64), sums)
    return sums
