"""Hold what two stored experts, of the image alone and of both modalities, say of the same patients."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped
from scipy.special import expit

from semeia.errors import InputError
from semeia.evaluation.statistics.logistic import fit_logistic

Rows = Float[np.ndarray, " n"]


@dataclass(frozen=True)
class Scored:
    """Patients as two experts score them.

    Attributes:
        image: log-odds by the expert of the image alone.
        joint: log-odds by the expert of both modalities.
        features: what is known of the image beside its score (an embedding), [n, feature]; none: [n, 0].
    """

    image: Rows
    joint: Rows
    features: Float[np.ndarray, "n feature"]

    def __len__(self) -> int:
        return len(self.image)


@dataclass(frozen=True)
class Calibration:
    """How scores become probabilities at home.

    Attributes:
        intercept: probability = sigmoid(intercept + slope * score).
        slope: see above.
        prevalence: of the labelled patients.
        reference: scores of unlabelled home patients, whom a site is held against.
    """

    intercept: float
    slope: float
    prevalence: float
    reference: Float[np.ndarray, " home"]

    def __call__(self, scores: Rows) -> Rows:
        """Give probabilities."""
        return expit(self.intercept + self.slope * scores)


def calibrate(scores: Rows, label: Shaped[np.ndarray, " n"], *, reference: Float[np.ndarray, " home"]) -> Calibration:
    """Fit Platt's line on scores (log-odds) of patients that the expert was not fitted on.

    `reference` are scores of unlabelled home patients.
    """
    if len(np.unique(label)) < 2:
        raise InputError("the labelled home patients are all of one class: the image expert cannot be calibrated")
    design = np.stack([np.ones(len(scores)), scores], 1)
    intercept, slope = fit_logistic(design, label, penalty=np.array([0.0, 1e-2]))
    return Calibration(float(intercept), float(slope), float(np.mean(label)), reference)
