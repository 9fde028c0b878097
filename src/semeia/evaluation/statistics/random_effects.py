"""Summarise estimates of several sites by random effects: mean, between-site variance, intervals.

The between-site variance is by restricted maximum likelihood, because the moment estimator of DerSimonian and Laird
(1986), the other choice, is biased downwards where sites are few, of unequal size and truly different (Langan et al.
2019, Res Synth Methods; Debray et al. 2019). The interval of the mean is that of Hartung and Knapp (2001), whose
variance is not allowed below that of the plain interval (Röver et al. 2015): sites may agree by luck.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from semeia.evaluation.shapes import Sites

ITERATIONS = 200
TOLERANCE = 1e-10


@dataclass(frozen=True)
class Summary:
    """A random-effects summary of several sites."""

    mean: float  # over sites, weighted
    low: float  # lower end of the interval of the mean
    high: float
    # lower end of where the true value of a new site is expected; None with fewer than three sites
    predict_low: float | None
    predict_high: float | None
    variance: float  # between sites (tau squared)
    inconsistency: float  # I squared, the share of the variability of the estimates that is not their own error
    weights: Sites  # of the sites in the mean; they sum to one


def summarise_sites(
    estimate: Sites, error: Sites, *, method: Literal["reml", "dersimonian-laird"] = "reml", level: float = 0.95
) -> Summary:
    """Summarise estimates of two sites or more with their standard errors (above zero) by random effects.

    Estimates are on a scale on which they are about normal (the logit of an AUROC). The prediction interval has two
    degrees of freedom fewer than there are sites (Higgins, Thompson and Spiegelhalter 2009, eq. 12).
    """
    sites = len(estimate)
    variance = reml(estimate, error) if method == "reml" else dersimonian_laird(estimate, error)
    weight = 1 / (error**2 + variance)
    mean = float(weight @ estimate / weight.sum())
    scatter = float(weight @ (estimate - mean) ** 2) / (sites - 1)
    spread = np.sqrt(max(1.0, scatter) / weight.sum())
    reach = float(stdtrit(sites - 1, (1 + level) / 2) * spread)
    new = None if sites < 3 else float(stdtrit(sites - 2, (1 + level) / 2) * np.sqrt(variance + spread**2))
    return Summary(
        mean=mean,
        low=mean - reach,
        high=mean + reach,
        predict_low=None if new is None else mean - new,
        predict_high=None if new is None else mean + new,
        variance=variance,
        inconsistency=inconsistency(estimate, error),
        weights=weight / weight.sum(),
    )


def dersimonian_laird(estimate: Sites, error: Sites) -> float:
    """Between-site variance by moments (DerSimonian and Laird 1986), not below zero."""
    weight = error**-2.0
    excess = _cochran_q(estimate, error) - (len(estimate) - 1)
    return max(0.0, float(excess / (weight.sum() - (weight**2).sum() / weight.sum())))


def reml(estimate: Sites, error: Sites) -> float:
    """Between-site variance by restricted maximum likelihood, Fisher scoring, not below zero (Viechtbauer 2005)."""
    variance = dersimonian_laird(estimate, error)
    for _ in range(ITERATIONS):
        weight = 1 / (error**2 + variance)
        total, squares = weight.sum(), (weight**2).sum()
        residual = estimate - weight @ estimate / total
        score = weight**2 @ residual**2 - total + squares / total
        information = squares - 2 * (weight**3).sum() / total + (squares / total) ** 2
        step = max(-variance, float(score / information))
        variance += step
        if abs(step) <= TOLERANCE * (1 + variance):
            break
    return variance


def inconsistency(estimate: Sites, error: Sites) -> float:
    """I squared (Higgins and Thompson 2002), from 0 to 1."""
    q = _cochran_q(estimate, error)
    return max(0.0, float(1 - (len(estimate) - 1) / q)) if q > 0 else 0.0


def _cochran_q(estimate: Sites, error: Sites) -> float:
    weight = error**-2.0
    return float(weight @ (estimate - weight @ estimate / weight.sum()) ** 2)
