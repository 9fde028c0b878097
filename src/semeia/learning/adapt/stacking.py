"""Stack two experts by logistic regression that is drawn to the image expert: a rival that needs no site."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from semeia.evaluation.statistics.logistic import fit_logistic
from semeia.learning.adapt.experts import Rows, Scored

PENALTY = 10.0


@dataclass(frozen=True)
class Stack:
    """Log-odds = image + intercept + share * (joint - image)."""

    intercept: float
    share: float

    def __call__(self, scored: Scored) -> Rows:
        """Give log-odds."""
        return scored.image + self.intercept + self.share * (scored.joint - scored.image)


def stack(scored: Scored, label: Shaped[np.ndarray, " n"], *, penalty: float = PENALTY) -> Stack:
    """Fit on patients whom neither expert was fitted on; without evidence the share is 0.

    Args:
        scored: out-of-fold scores.
        label: 0 or 1.
        penalty: of the squared share, against the summed log-likelihood.
    """
    design = np.stack([np.ones(len(scored)), scored.joint - scored.image], 1)
    intercept, share = fit_logistic(design, label, offset=scored.image, penalty=np.array([0.0, penalty]))
    return Stack(float(intercept), float(share))
