"""Could this cohort have shown a difference at all? From the standard error of a paired bootstrap.

A difference that "is not significant" says little unless the cohort was able to show one: the smallest true
difference found with 80 % power by a two-sided 5 % test is 2.80 standard errors (normal approximation).
"""

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr, ndtri


def standard_error(draws: Float[np.ndarray, "draws"]) -> float:
    """Standard deviation of the defined draws of a difference."""
    return float(np.nanstd(draws, ddof=1))


def detectable_difference(error: float, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Smallest true difference that a two-sided test at `alpha` finds with probability `power`."""
    return float(error * (ndtri(1 - alpha / 2) + ndtri(power)))


def power_at(difference: float, error: float, *, alpha: float = 0.05) -> float:
    """Probability that a two-sided test at `alpha` finds a true `difference` given its standard `error`."""
    z, limit = difference / error, ndtri(1 - alpha / 2)
    return float(ndtr(z - limit) + ndtr(-z - limit))
