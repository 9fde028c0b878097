"""Estimate how the records of a site moved along with the outcome, from unlabelled patients, and mend what was learnt.

The image tells how likely each patient is to have the outcome. At home a regression says what record goes with an image
and that likelihood; at the site, what is left over and rises with the likelihood is the move. Labelled home records can
be moved so ("simulate the site"), or its direction can be left out; the head is then fitted again by whoever asks.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from semeia.learning.adapt.experts import Calibration
from semeia.learning.adapt.prevalence import at_prevalence, prevalence_at

SURE = 3.0  # standard errors from which on a direction is dropped
Records = Float[np.ndarray, "n feature"]


@dataclass(frozen=True)
class Embedded:
    """Patients: the image expert's log-odds, and the embeddings of image and record."""

    score: Float[np.ndarray, " n"]
    image: Float[np.ndarray, "n column"]
    record: Records


@dataclass(frozen=True)
class Move:
    """How records moved between patients without and with the outcome; half the difference of the means.

    Attributes:
        step: the estimate, drawn to 0 by its own noise (positive-part James-Stein).
        direction: the estimate as it is.
        metric: inverse covariance of what images leave unexplained of home records.
        z: how many standard deviations chi squared lies above what noise alone gives.
    """

    step: Float[np.ndarray, " feature"]
    direction: Float[np.ndarray, " feature"]
    metric: Float[np.ndarray, "feature feature"]
    z: float


def estimate_move(calibration: Calibration, home: Embedded, site: Embedded) -> Move:
    """Estimate the move between unlabelled home patients and unlabelled patients of a site."""
    home_risk = 2 * calibration(home.score) - 1
    prevalence = prevalence_at(calibration, site.score)
    there = at_prevalence(calibration(site.score), home=calibration.prevalence, site=prevalence)
    risk = 2 * there - 1
    design = np.column_stack([np.ones(len(home_risk)), home.image, home_risk])
    weights = np.linalg.lstsq(design, home.record, rcond=None)[0]
    noise = np.cov((home.record - design @ weights).T)
    rest = site.record - np.column_stack([np.ones(len(risk)), site.image, risk]) @ weights
    centred = risk - risk.mean()
    direction = centred @ rest / (centred @ centred)
    metric = np.linalg.pinv(np.atleast_2d(noise), hermitian=True)
    size = len(direction)
    chi2 = float(direction @ metric @ direction * (centred @ centred))
    kept = max(0.0, 1 - (size - 2) / chi2) if chi2 > 0 else 0.0
    return Move(direction * kept, direction, metric, float((chi2 - size) / np.sqrt(2 * size)))


def simulate_site(record: Records, label: Shaped[np.ndarray, " n"], move: Move) -> Records:
    """Move labelled home records as the site's moved."""
    return record + move.step * (2 * np.asarray(label, float)[:, None] - 1)


def without_direction(record: Records, move: Move) -> Records:
    """Leave out the direction that moved, where it surely did; what is kept is uncorrelated with what is left out."""
    if move.z < SURE:
        return record
    towards = move.metric @ move.direction
    return record - np.outer(record @ towards, move.direction) / (move.direction @ towards)
