"""Fit logistic regressions by Newton's method, all draws together; NaN for one whose maximum does not exist."""

import numpy as np
from jaxtyping import Bool, Float

from semeia.evaluation.shapes import Column, DrawnColumns, Matrix, Reals, Squares, Weights

ITERATIONS = 20
# Newton converges quadratically: a last step of 1e-3 leaves an error of about 1e-6.
TOLERANCE = 1e-6
TOLERANCE_OF_DRAWS = 1e-3
LONGEST_STEP = 4.0
SINGULAR = 1e-7
# Under separation the curvature falls without end, until rounding looks like convergence; stop well before.
FLAT = 1e-5
BLOCK_ELEMENTS = 2**16


def fit_logistic(
    features: Matrix,
    label: Column,
    *,
    offset: Reals | None = None,
    penalty: Float[np.ndarray, "k"] | None = None,
    weight: Reals | None = None,
) -> Float[np.ndarray, "k"]:
    """Coefficients of one fit; `features` include a column of ones for an intercept.

    `penalty` is a ridge (`0.5 * penalty * coefficient**2` added to the summed negative log-likelihood), `weight` how
    often each row counts.
    """
    start = np.zeros((1, features.shape[1]))
    weights = np.ones((1, len(label))) if weight is None else weight[None]
    offset = np.zeros(len(label)) if offset is None else offset
    penalty = np.zeros(features.shape[1]) if penalty is None else penalty
    return _newton(start, features, label.astype(np.float64), weights, offset, penalty, TOLERANCE)[0]


def fit_logistic_draws(
    features: Matrix, label: Column, weights: Weights, *, offset: Reals | None = None
) -> DrawnColumns:
    """Coefficients of every draw, in single precision (good to about 1e-5), from the fit to all draws together on."""
    n, k = features.shape
    offset = np.zeros(n) if offset is None else offset
    together = fit_logistic(features, label, offset=offset, weight=weights.mean(axis=0))
    start = np.nan_to_num(together).astype(np.float32)
    single = [array.astype(np.float32) for array in (features, label, offset)]
    out = np.empty((len(weights), k))
    step = max(16, BLOCK_ELEMENTS // max(1, n))
    for first in range(0, len(weights), step):
        weight = np.ascontiguousarray(weights[first : first + step], dtype=np.float32)
        begin = np.tile(start, (len(weight), 1))
        free = np.zeros(k, dtype=np.float32)
        out[first : first + step] = _newton(begin, single[0], single[1], weight, single[2], free, TOLERANCE_OF_DRAWS)
    return out


def _newton(
    beta: DrawnColumns,
    features: Matrix,
    label: Reals,
    weights: Float[np.ndarray, "draws n"],
    offset: Reals,
    penalty: Float[np.ndarray, "k"],
    tolerance: float,
) -> DrawnColumns:
    n, k = features.shape
    products = (features[:, :, None] * features[:, None, :]).reshape(n, k * k)
    target = weights @ (features * label[:, None])
    flat = FLAT * (weights @ features**2)
    out = np.full(beta.shape, np.nan)
    active = np.arange(len(beta))
    probability = _expit(beta[:1] @ features.T + offset)
    for _ in range(ITERATIONS):
        # all draws start from one point: the first step needs only one row of probabilities.
        gradient, hessian = _derivatives(weights, probability, features, products)
        gradient = target - gradient - penalty * beta
        hessian += np.diag(penalty)
        step, solvable = _solve(hessian, gradient.astype(np.float64))
        solvable &= (np.einsum("dkk->dk", hessian) > flat).all(axis=1)
        length = np.abs(step).max(axis=1)
        scale = np.minimum(1.0, LONGEST_STEP / np.maximum(length, LONGEST_STEP))
        beta = beta + (step * scale[:, None]).astype(beta.dtype)
        settled = solvable & (length <= tolerance)
        out[active[settled]] = beta[settled]
        moving = np.flatnonzero(solvable & ~settled)
        if not len(moving):
            break
        if len(moving) < 0.8 * len(active):
            active, beta, weights = active[moving], beta[moving], weights[moving]
            target, flat = target[moving], flat[moving]
        probability = _expit(beta @ features.T + offset)
    return out


def _derivatives(
    weights: Float[np.ndarray, "draws n"],
    probability: Float[np.ndarray, "some n"],
    features: Matrix,
    products: Float[np.ndarray, "n kk"],
) -> tuple[DrawnColumns, Squares]:
    k = features.shape[1]
    if len(probability) == 1 < len(weights):
        p = probability[0][:, None]
        both = weights @ np.hstack([p * features, p * (1 - p) * products])
        return both[:, :k], both[:, k:].reshape(-1, k, k).astype(np.float64)
    pull = weights * probability
    gradient = pull @ features
    np.subtract(1, probability, out=probability)
    pull *= probability
    return gradient, (pull @ products).reshape(-1, k, k).astype(np.float64)


def _expit(eta: Float[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws n"]:
    # in place, and by numpy: scipy's expit is not vectorised in single precision and takes most of the time.
    np.clip(eta, -80, 80, out=eta)
    np.negative(eta, out=eta)
    np.exp(eta, out=eta)
    eta += 1
    return np.reciprocal(eta, out=eta)


def _solve(hessian: Squares, gradient: DrawnColumns) -> tuple[DrawnColumns, Bool[np.ndarray, "draws"]]:
    """Newton steps (zero where there is none) and whether each system could be solved."""
    diagonal = np.einsum("dkk->dk", hessian).prod(axis=1)
    k = gradient.shape[1]
    if k == 2:  # the common case, written out: a stack of tiny LAPACK calls is several times slower
        (a, b), (_, d) = hessian.transpose(1, 2, 0)
        determinant = a * d - b * b
    else:
        determinant = diagonal if k == 1 else np.linalg.det(hessian)
    solvable = determinant > SINGULAR * diagonal
    step = np.zeros_like(gradient)
    if k == 1:
        np.divide(gradient[:, 0], determinant, out=step[:, 0], where=solvable)
    elif k == 2:
        first, second = gradient.T
        np.divide(d * first - b * second, determinant, out=step[:, 0], where=solvable)
        np.divide(a * second - b * first, determinant, out=step[:, 1], where=solvable)
    else:
        step[solvable] = np.linalg.solve(hessian[solvable], gradient[solvable, :, None])[..., 0]
    return step, solvable
