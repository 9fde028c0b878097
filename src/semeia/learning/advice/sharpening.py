"""Put what the map expects together with a gain that was measured: two estimates, weighted by inverse variance."""

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr, ndtri

from semeia.evaluation.statistics.delong import Difference
from semeia.learning.advice.map import LEVEL, NOTABLE, Expected

WIDE = float(ndtri(LEVEL[1]))  # standard errors on either side of an 80 % interval
LEAST_ERROR = 1e-6
Numbers = Float[np.ndarray, " gain"] | float


def sharpened(prior: Expected, gain: Difference) -> Expected:
    """What is expected once a pilot has found a gain; the map's 80 % interval is taken as normal."""
    value, error = together(as_normal(prior.low, prior.high), (gain.value, gain.error))
    return normal(float(value), float(error))


def as_normal(low: Numbers, high: Numbers) -> tuple[Numbers, Numbers]:
    """Middle and standard error of an 80 % interval."""
    return (low + high) / 2, (high - low) / 2 / WIDE


def together(prior: tuple[Numbers, Numbers], pilot: tuple[Numbers, Numbers]) -> tuple[Numbers, Numbers]:
    """Weigh two estimates by their inverse variances."""
    one, other = (1 / np.maximum(error, LEAST_ERROR) ** 2 for _, error in (prior, pilot))
    return (one * prior[0] + other * pilot[0]) / (one + other), 1 / np.sqrt(one + other)


def normal(value: float, error: float) -> Expected:
    """An estimate with a standard error, its 80 % interval and its chance of a gain that is worth the training."""
    half = WIDE * error
    above = ndtr((value - NOTABLE) / max(error, LEAST_ERROR))
    return Expected(float(value), float(value - half), float(value + half), float(above))
