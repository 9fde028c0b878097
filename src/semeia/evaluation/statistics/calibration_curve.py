"""Flexible calibration: how often it came true, as a smooth function of what was predicted.

The curve is a logistic regression of the label on a restricted cubic spline of logit(score) (Van Calster et al. 2016,
"flexible" calibration). Knots stand at Harrell's quantiles of the scores as they are, in every draw: 5 where the rarer
class has 500 rows or more, 4 from 100, else 3. A draw in which a spline does not exist is fitted with one knot fewer,
at last by a straight line, and is NaN where even that does not exist. Labels and scores are prepared once.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from semeia.evaluation.shapes import Column, Drawn, Numbers, PointWeights, Reals
from semeia.evaluation.statistics.calibration import LikeRows, clipped_logit
from semeia.evaluation.statistics.group_sums import ratio
from semeia.evaluation.statistics.logistic import fit_logistic_draws

# Quantiles at which Harrell places the knots (his table 2.3).
QUANTILES = {3: (0.10, 0.50, 0.90), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.50, 0.725, 0.95)}


def spline_knots(x: Reals, *, count: int) -> Float[np.ndarray, "_"] | None:
    """The 3, 4 or 5 knots, at fixed quantiles of `x`; None when values are so tied that knots coincide."""
    knots = np.quantile(x, QUANTILES[count])
    return knots if (np.diff(knots) > 1e-6 * np.ptp(x)).all() else None


def spline_basis(x: Reals, knots: Float[np.ndarray, "_"]) -> Float[np.ndarray, "n columns"]:
    """The columns of the spline, without the constant."""
    *_, before, last = knots

    def cube(knot: float) -> Reals:
        return np.maximum(x - knot, 0.0) ** 3

    terms = [
        cube(knot) - cube(before) * (last - knot) / (last - before) + cube(last) * (before - knot) / (last - before)
        for knot in knots[:-2]
    ]
    return np.column_stack([x, *(term / (last - knots[0]) ** 2 for term in terms)])


def weighted_quantiles(
    value: Float[np.ndarray, "draws m"], weight: Shaped[np.ndarray, "draws m"], qs: tuple[float, ...]
) -> list[Drawn]:
    """Quantiles of each draw's values, each counted as often as its whole-number weight says; NaN without any.

    Linear between order statistics (definition 7 of Hyndman and Fan 1996, numpy's default).
    """
    order = np.argsort(value, axis=1)
    value = np.take_along_axis(value, order, axis=1)
    cumulative = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    return [_quantile(value, cumulative, q) for q in qs]


def _quantile(value: Float[np.ndarray, "draws m"], cumulative: Shaped[np.ndarray, "draws m"], q: float) -> Drawn:
    place = q * (cumulative[:, -1] - 1)
    ends = []
    for rank in (np.floor(place), np.ceil(place)):
        at = (cumulative <= rank[:, None]).sum(axis=1)
        ends.append(np.take_along_axis(value, np.minimum(at, value.shape[1] - 1)[:, None], axis=1)[:, 0])
    quantile = ends[0] + (place - np.floor(place)) * (ends[1] - ends[0])
    return np.where(cumulative[:, -1] > 0, quantile, np.nan)


# Rows of the rarer class from which there are so many knots.
KNOTS = {5: 500, 4: 100, 3: 0}
# More distinct scores than this are taken together in so many groups of neighbours.
MOST_GROUPS = 512
# The part of the scores over which the curve is drawn: beyond it, it rests on a handful of rows.
CENTRAL = (0.025, 0.975)
CALIBRATION_ERRORS = ("ici", "e50", "e90")


@dataclass(frozen=True)
class Design:
    """One form of the curve: its knots (none: a straight line) and what makes its columns orthonormal."""

    knots: Float[np.ndarray, "_"] | None
    turn: Float[np.ndarray, "k k"]

    def features(self, x: Float[np.ndarray, "m"]) -> Float[np.ndarray, "m k"]:
        """Columns of the regression at log-odds `x`."""
        return _columns(x, self.knots, width=len(self.turn)) @ self.turn


@dataclass(frozen=True)
class FlexibleCalibration(LikeRows):
    """What does not change from draw to draw: rows of like score and label as one point, and the designs."""

    designs: tuple[Design, ...]


def flexible_calibration(label: Column, score: Column, *, rarer: int | None = None) -> FlexibleCalibration:
    """Prepare the fits of one set of labels (0 or 1) and predicted probabilities.

    Up to 512 distinct scores the fits are those of the single rows; beyond, neighbouring scores are taken
    together at their mean, which moves the curve and the errors by about a thousandth at most. `rarer` is the number
    of rows of the rarer class, which says how many knots there are; None: counted in `label`.
    """
    rarer = int(min((label > 0).sum(), (label == 0).sum())) if rarer is None else rarer
    point, group = np.unique(2 * _neighbours(score) + (label > 0), return_inverse=True)
    size = np.bincount(group)
    mean = np.bincount(group, weights=score.astype(np.float64)) / size
    x = clipped_logit(score)
    knots = [spline_knots(x, count=count) for count, least in KNOTS.items() if rarer >= least]
    designs = [_design(clipped_logit(mean), size, each) for each in knots if each is not None]
    designs.append(_design(clipped_logit(mean), size, None))
    return FlexibleCalibration(point % 2, mean, group, tuple(design for design in designs if design is not None))


def central_grid(score: Column, *, points: int = 41) -> Float[np.ndarray, "points"]:
    """Evenly spaced predicted probabilities over the central 95 % of the scores; one where they are all the same."""
    low, high = np.quantile(score, CENTRAL)
    return np.unique(np.linspace(low, high, points))


def ici_draws(prepared: FlexibleCalibration, points: PointWeights) -> Drawn:
    """ICI of every draw: the mean over its rows of |curve at the score - score| (Austin and Steyerberg 2019)."""
    return _mean(_errors(prepared, points), points)


def calibration_error_draws(prepared: FlexibleCalibration, points: PointWeights) -> Float[np.ndarray, "draws 3"]:
    """ICI, E50, E90: mean, median, 90th percentile of |curve - score| (Austin and Steyerberg 2019; here a spline)."""
    error = _errors(prepared, points)
    return np.column_stack([_mean(error, points), *weighted_quantiles(error, points, (0.5, 0.9))])


def _neighbours(score: Column) -> Numbers:
    distinct, number = np.unique(score, return_inverse=True)
    if len(distinct) <= MOST_GROUPS:
        return number
    edges = np.unique(np.quantile(score, np.linspace(0, 1, MOST_GROUPS + 1)[1:-1]))
    return np.searchsorted(edges, score, side="right")


def _design(
    x: Float[np.ndarray, "points"], size: Int[np.ndarray, "points"], knots: Float[np.ndarray, "_"] | None
) -> Design | None:
    """Orthonormal columns: single precision and the test for separation both need them well conditioned."""
    width = 1 if np.ptp(x) < 1e-9 else 2 if knots is None else len(knots)
    columns = _columns(x, knots, width=width)
    turned = np.linalg.qr(columns * np.sqrt(size / size.sum())[:, None], mode="r")
    diagonal = np.abs(np.diag(turned))
    if len(diagonal) < width or (diagonal < 1e-6 * np.abs(columns).max(axis=0)).any():
        return None
    return Design(knots, np.linalg.inv(turned))


def _columns(
    x: Float[np.ndarray, "m"], knots: Float[np.ndarray, "_"] | None, *, width: int
) -> Float[np.ndarray, "m k"]:
    shape = x[:, None] if knots is None else spline_basis(x, knots)
    return np.column_stack([np.ones(len(x)), shape])[:, :width]


def _errors(prepared: FlexibleCalibration, points: PointWeights) -> PointWeights:
    return np.abs(calibration_curve_draws(prepared, points, grid=prepared.score) - prepared.score)


def _mean(error: PointWeights, weight: PointWeights) -> Drawn:
    return ratio((weight * error).sum(axis=1), weight.sum(axis=1))


def calibration_curve_draws(
    prepared: FlexibleCalibration, points: PointWeights, *, grid: Float[np.ndarray, "grid"]
) -> Float[np.ndarray, "draws grid"]:
    """Probability that it comes true at each predicted probability of the grid, in every draw."""
    out = np.full((len(points), len(grid)), np.nan)
    x, wanted = clipped_logit(prepared.score), clipped_logit(grid)
    missing = np.arange(len(points))
    for design in prepared.designs:
        fit = fit_logistic_draws(design.features(x), prepared.label, points[missing])
        found = ~np.isnan(fit).any(axis=1)
        odds = fit[found] @ design.features(wanted).T
        out[missing[found]] = 1 / (1 + np.exp(-np.clip(odds, -80, 80)))
        missing = missing[~found]
        if not len(missing):
            break
    return out
