"""From the values of a statistic in bootstrap draws to intervals, detectable differences, power, adjusted p-values."""

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr, ndtri, stdtrit

from semeia.evaluation.shapes import Drawn


def holm(p: Float[np.ndarray, "tests"]) -> Float[np.ndarray, "tests"]:
    """Adjusted p-values of one family (Holm 1979), in the order given."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def detectable_difference(error: float, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Smallest true difference that a two-sided test at `alpha` finds with probability `power`."""
    return float(error * (ndtri(1 - alpha / 2) + ndtri(power)))


def power_at(difference: float, error: np.ndarray | float, *, alpha: float = 0.05) -> np.ndarray:
    """Probability that a two-sided test at `alpha` finds a true `difference` given its standard `error`."""
    z, limit = difference / error, ndtri(1 - alpha / 2)
    return np.asarray(ndtr(z - limit) + ndtr(-z - limit))


# An interval from a smaller share of its draws describes the draws that were defined, not the metric.
LEAST_DEFINED = 0.9


def percentile_interval(values: Drawn, *, level: float = 0.95, patients: int | None = None) -> tuple[float, float]:
    """Percentile interval of the defined (not NaN) draws (Efron 1981). NaN, NaN when none is defined.

    With the number of `patients` who carry the statistic the tails are widened as Student's t is over the normal (the
    expanded percentile interval of Hesterberg 2015, Am Stat 69:371): the draws of few patients vary too little.
    """
    defined = values[~np.isnan(values)]
    if not len(defined):
        return float("nan"), float("nan")
    tail = (1 - level) / 2
    if patients is not None and patients > 1:
        tail = float(ndtr(np.sqrt(patients / (patients - 1)) * stdtrit(patients - 1, tail)))
    # of B draws the (B + 1) * tail-th: the usual interpolation lies further in and holds less than it says.
    low, high = np.quantile(defined, [tail, 1 - tail], method="weibull")
    return float(low), float(high)


def exact_bound(value: float, patients: int, *, level: float = 0.95) -> tuple[float, float]:
    """Interval of a share that is 0 or 1 in all of so many independent trials (Clopper and Pearson 1934)."""
    reach = float(((1 - level) / 2) ** (1 / patients))
    return (reach, 1.0) if value > 0.5 else (0.0, 1 - reach)


def bca_interval(
    value: float, values: Drawn, left_out: Float[np.ndarray, "groups"], *, level: float = 0.95
) -> tuple[float, float]:
    """Bias-corrected and accelerated interval (Efron 1987, eq. 6.3-6.6) of the defined draws.

    `value` is the statistic on the data as they are, `left_out` with each patient (or group) left out, for the
    acceleration. It is the percentile interval where all draws lie on one side of `value` or are the same.
    """
    defined, jackknife = values[~np.isnan(values)], left_out[~np.isnan(left_out)]
    if not len(defined):
        return float("nan"), float("nan")
    below = float((defined < value).mean() + 0.5 * (defined == value).mean())
    if not 0 < below < 1 or not np.ptp(defined):
        return percentile_interval(values, level=level)
    bias = ndtri(below)
    centred = jackknife.mean() - jackknife if len(jackknife) else np.zeros(1)
    spread = float((centred**2).sum())
    acceleration = float((centred**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    ends = bias + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    low, high = np.quantile(defined, ndtr(bias + ends / (1 - acceleration * ends)))
    return float(low), float(high)
