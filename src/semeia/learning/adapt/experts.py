"""Hold what two stored experts, one that reads less (the anchor) and one that reads more, say of the same patients."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

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
        anchor: log-odds by the expert that reads less, such as the image alone.
        joint: log-odds by the expert that reads more, such as image and record.
        features: what is known of the anchor's input beside its score (an embedding), [n, feature]; none: [n, 0].
    """

    anchor: Rows
    joint: Rows
    features: Float[np.ndarray, "n feature"]

    def __len__(self) -> int:
        return len(self.anchor)

    def of_rows(self, rows: Shaped[np.ndarray, " some"]) -> "Scored":
        """Take some patients."""
        return Scored(self.anchor[rows], self.joint[rows], self.features[rows])

    @classmethod
    def of(cls, parts: Sequence["Scored"]) -> "Scored":
        """Put groups of patients one after the other."""
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))


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
        raise InputError("the labelled home patients are all of one class: the anchor cannot be calibrated")
    design = np.stack([np.ones(len(scores)), scores], 1)
    intercept, slope = fit_logistic(design, label, penalty=np.array([0.0, 1e-2]))
    return Calibration(float(intercept), float(slope), float(np.mean(label)), reference)
