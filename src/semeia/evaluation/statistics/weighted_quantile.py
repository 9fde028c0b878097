"""Quantiles of values of which each counts a whole number of times, for all bootstrap draws at once."""

import numpy as np
from jaxtyping import Float, Shaped


def weighted_quantiles(
    value: Float[np.ndarray, "draws m"], weight: Shaped[np.ndarray, "draws m"], qs: tuple[float, ...]
) -> list[Float[np.ndarray, "draws"]]:
    """Quantiles of each draw's values, each counted as often as its whole-number weight says.

    Linear between order statistics (definition 7 of Hyndman and Fan 1996, numpy's default). NaN where a
    draw's weights are all zero.
    """
    order = np.argsort(value, axis=1)
    value = np.take_along_axis(value, order, axis=1)
    cumulative = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    return [_quantile(value, cumulative, q) for q in qs]


def _quantile(
    value: Float[np.ndarray, "draws m"], cumulative: Shaped[np.ndarray, "draws m"], q: float
) -> Float[np.ndarray, "draws"]:
    place = q * (cumulative[:, -1] - 1)
    ends = []
    for rank in (np.floor(place), np.ceil(place)):
        at = (cumulative <= rank[:, None]).sum(axis=1)
        ends.append(np.take_along_axis(value, np.minimum(at, value.shape[1] - 1)[:, None], axis=1)[:, 0])
    quantile = ends[0] + (place - np.floor(place)) * (ends[1] - ends[0])
    return np.where(cumulative[:, -1] > 0, quantile, np.nan)
