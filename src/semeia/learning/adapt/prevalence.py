"""Estimate how frequent an outcome is at a new site from unlabelled scores, and carry probabilities over to it.

Right where only the prevalence differs and each class looks the same in both places (label shift). Source: Saerens,
Latinne and Decaestecker, Neural Computation 14 (2002).
"""

import numpy as np
from jaxtyping import Float
from scipy.special import expit, logit

from semeia.learning.adapt.experts import Calibration

ITERATIONS = 1000
TOLERANCE = 1e-6
EDGE = 0.02  # no estimate is nearer to 0 or 1: weak scores would go all the way
SHIFTED = 2.0  # standard errors of the mean probability from which on the prevalence counts as another


def at_prevalence(probability: Float[np.ndarray, " n"], *, home: float, site: float) -> Float[np.ndarray, " n"]:
    """Carry probabilities, right at the home prevalence, over to the site's."""
    positive = probability * site / home
    return positive / (positive + (1 - probability) * (1 - site) / (1 - home))


def most_likely_prevalence(probability: Float[np.ndarray, " n"], *, home: float) -> float:
    """Find the prevalence under which unlabelled patients are most likely, by expectation maximisation.

    The probabilities are those of a model that is right at the home prevalence.
    """
    site = home
    for _ in range(ITERATIONS):
        before, site = site, float(at_prevalence(probability, home=home, site=site).mean().clip(EDGE, 1 - EDGE))
        if abs(site - before) < TOLERANCE:
            break
    return site


def prevalence_at(calibration: Calibration, scores: Float[np.ndarray, " n"]) -> float:
    """Estimate the prevalence at a site; the home's where the mean probability does not tell them apart.

    A calibration on few labels is a little wrong, and expectation maximisation makes much of little: what it says of
    unlabelled home patients, who have the home prevalence, is taken off (in log-odds).
    """
    home, reference = calibration.prevalence, calibration(calibration.reference)
    there = calibration(scores)
    error = np.hypot(there.std() / np.sqrt(len(there)), reference.std() / np.sqrt(len(reference)))
    if abs(there.mean() - reference.mean()) < SHIFTED * error:
        return home
    moved = logit(most_likely_prevalence(there, home=home)) - logit(most_likely_prevalence(reference, home=home))
    return float(np.clip(expit(logit(home) + moved), EDGE, 1 - EDGE))
