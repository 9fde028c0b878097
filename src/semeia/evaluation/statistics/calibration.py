"""Are the probabilities right? Calibration intercept and slope, for all bootstrap draws at once.

Intercept: logistic regression of the label on a constant, with logit(score) as offset; 0 is right, below 0
the scores are too high on the whole. Slope: the coefficient of logit(score) beside a free constant; 1 is
right, below 1 the scores are too extreme (Cox 1958; Van Calster et al. 2019). Scores are clipped to [1e-6, 1
- 1e-6].
"""

import numpy as np
from jaxtyping import Float, Shaped
from scipy.special import logit

from semeia.evaluation.statistics.logistic import fit_logistic, fit_logistic_draws

CLIP = 1e-6


def clipped_logit(score: Shaped[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """Log-odds of scores clipped to [1e-6, 1 - 1e-6]."""
    return logit(np.clip(score.astype(np.float64), CLIP, 1 - CLIP))


def calibration(label: Shaped[np.ndarray, "n"], score: Shaped[np.ndarray, "n"]) -> tuple[float, float]:
    """(intercept, slope); NaN where it does not exist (one class, constant or separating scores)."""
    ones, x = np.ones((len(label), 1)), clipped_logit(score)
    intercept = fit_logistic(ones, label, offset=x)[0]
    slope = fit_logistic(np.column_stack([ones, x]), label)[1]
    return float(intercept), float(slope)


def calibration_draws(
    label: Shaped[np.ndarray, "n"], score: Shaped[np.ndarray, "n"], weights: Shaped[np.ndarray, "draws n"]
) -> tuple[Float[np.ndarray, "draws"], Float[np.ndarray, "draws"]]:
    """Intercepts and slopes of every draw; NaN where one does not exist."""
    ones, x = np.ones((len(label), 1)), clipped_logit(score)
    intercept = fit_logistic_draws(ones, label, weights, offset=x)[:, 0]
    slope = fit_logistic_draws(np.column_stack([ones, x]), label, weights)[:, 1]
    return intercept, slope
