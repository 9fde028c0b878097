"""Decision curves: what acting on the scores is worth, for all thresholds and bootstrap draws at once.

A threshold t says that one found case is worth (1 - t) / t needless treatments; treating those with a score of t or
more has net benefit (Vickers and Elkin 2006)

    true positives / n - false positives / n * t / (1 - t)

in units of cases found at no cost. Treating nobody has 0, treating all prevalence - (1 - prevalence) t / (1 - t).
"""

import numpy as np

from semeia.errors import InputError
from semeia.evaluation.shapes import Column, EachThreshold, Thresholds, Weights
from semeia.evaluation.statistics.group_sums import group_sums, ratio


def threshold_grid(first: float, last: float, step: float) -> Thresholds:
    """Thresholds from the first to the last, rounded so that 0.3 is 0.3."""
    return np.round(np.arange(first, last + step / 2, step), 10)


def net_benefit_draws(label: Column, score: Column, weights: Weights, *, thresholds: Thresholds) -> EachThreshold:
    """Net benefit of treating where score >= threshold; NaN for a draw without rows."""
    odds, bands = _odds(thresholds), len(thresholds) + 1
    passed = np.searchsorted(thresholds, score, side="right")
    sums = group_sums(weights, passed + bands * (label > 0), groups=2 * bands).reshape(-1, 2, bands)
    # treated at threshold j are those that pass j + 1 thresholds or more.
    treated = np.cumsum(sums[:, :, ::-1], axis=2)[:, :, ::-1]
    false, true = treated[:, 0, 1:], treated[:, 1, 1:]
    return ratio(true - false * odds, treated[:, :, 0].sum(axis=1, keepdims=True))


def treat_all_draws(label: Column, weights: Weights, *, thresholds: Thresholds) -> EachThreshold:
    """Net benefit of treating everybody; NaN for a draw without rows."""
    sums = group_sums(weights, (label > 0).astype(np.int64), groups=2)
    return ratio(sums[:, 1:] - sums[:, :1] * _odds(thresholds), sums.sum(axis=1, keepdims=True))


def _odds(thresholds: Thresholds) -> Thresholds:
    if not len(thresholds) or thresholds[0] <= 0 or thresholds[-1] >= 1 or (np.diff(thresholds) <= 0).any():
        raise InputError("thresholds of a decision curve must be increasing numbers above 0 and below 1.")
    return thresholds / (1 - thresholds)
