"""Are the probabilities right? Calibration intercept and slope, for all bootstrap draws at once.

Intercept: logistic regression of the label on a constant, with logit(score) as offset; 0 is right, below 0
the scores are too high on the whole. Slope: the coefficient of logit(score) beside a free constant; 1 is
right, below 1 the scores are too extreme (Cox 1958; Van Calster et al. 2019). Scores are clipped to [1e-6, 1
- 1e-6].
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped
from scipy.special import expit, logit

from semeia.evaluation.shapes import Column, Drawn, Numbers, Reals, Weights
from semeia.evaluation.statistics.group_sums import group_sums
from semeia.evaluation.statistics.logistic import fit_logistic, fit_logistic_draws

CLIP = 1e-6
# From so many rows on those of one label and nearly the same log-odds are taken together,
FEW_ROWS = 2**14
# in so many steps from the lowest log-odds to the highest.
STEPS = 2**12


@dataclass(frozen=True)
class LikeRows:
    """Labels and scores of which each stands for one row or several."""

    label: Shaped[np.ndarray, "points"]  # of each point
    score: Shaped[np.ndarray, "points"]  # of each point
    group: Numbers | None  # the point of each row; None where every row is its own

    def weights(self, weights: Weights) -> Shaped[np.ndarray, "draws points"]:
        """How much of each point every draw holds."""
        return weights if self.group is None else group_sums(weights, self.group, groups=len(self.score))


def clipped_logit(score: Column) -> Reals:
    """Log-odds of scores clipped to [1e-6, 1 - 1e-6]."""
    return logit(np.clip(score.astype(np.float64), CLIP, 1 - CLIP))


def calibration(label: Column, score: Column) -> tuple[float, float]:
    """(intercept, slope); NaN where it does not exist (one class, constant or separating scores)."""
    ones, x = np.ones((len(label), 1)), clipped_logit(score)
    intercept = fit_logistic(ones, label, offset=x)[0]
    slope = fit_logistic(np.column_stack([ones, x]), label)[1]
    return float(intercept), float(slope)


def calibration_draws(label: Column, score: Column, weights: Weights) -> tuple[Drawn, Drawn]:
    """Intercepts and slopes of every draw; NaN where one does not exist."""
    ones, x = np.ones((len(label), 1)), clipped_logit(score)
    intercept = fit_logistic_draws(ones, label, weights, offset=x)[:, 0]
    slope = fit_logistic_draws(np.column_stack([ones, x]), label, weights)[:, 1]
    return intercept, slope


def like_rows(label: Column, score: Column) -> LikeRows:
    """The rows as they are, or, from 16,384 on, rows of one label within 1/4,096 of the range of log-odds as one.

    It moves the intercept and slope of a draw by less than 1e-4, and less than a hundredth of their standard error.
    """
    if len(score) < FEW_ROWS:
        return LikeRows(label, score, None)
    x = clipped_logit(score)
    step = np.floor((x - x.min()) * (STEPS / max(np.ptp(x), CLIP))).astype(np.int64)
    point, group, size = np.unique(2 * step + (label > 0), return_inverse=True, return_counts=True)
    return LikeRows(point % 2, expit(np.bincount(group, weights=x) / size), group)
