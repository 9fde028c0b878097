"""Recalibrate probabilities in three ways, fitted on some patients and used on others, never on the same.

`intercept` moves all log-odds by one number, `logistic` moves and stretches them (Platt 1999; Cox 1958), `isotonic`
takes any rising curve (Zadrozny and Elkan 2002).
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float

from semeia.errors import InputError
from semeia.evaluation.shapes import Column, Numbers, Reals
from semeia.evaluation.statistics.calibration import clipped_logit
from semeia.evaluation.statistics.logistic import fit_logistic

Method = Literal["intercept", "logistic", "isotonic"]
METHODS: tuple[Method, ...] = ("intercept", "logistic", "isotonic")


@dataclass(frozen=True)
class LogisticRule:
    """New log-odds = intercept + slope * log-odds. NaN where no fit exists (one class, separation)."""

    intercept: float
    slope: float
    fitted_on: frozenset[int] = field(repr=False)

    def _apply(self, score: Reals) -> Reals:
        return moved(score, intercept=self.intercept, slope=self.slope)


def moved(score: Reals, *, intercept: float, slope: float) -> Reals:
    """Turn scores into those whose log-odds are intercept + slope * log-odds."""
    return 1 / (1 + np.exp(-np.clip(intercept + slope * clipped_logit(score), -80, 80)))


@dataclass(frozen=True)
class IsotonicRule:
    """New score by straight lines between the points of a rising step function; beyond its ends, its ends.

    It stays `edge` away from 0 and 1: the ends are runs of one class, which no finite sample shows to be certain.
    """

    score: Float[np.ndarray, "points"]
    recalibrated: Float[np.ndarray, "points"]
    edge: float
    fitted_on: frozenset[int] = field(repr=False)

    def _apply(self, score: Reals) -> Reals:
        return np.clip(np.interp(score, self.score, self.recalibrated), self.edge, 1 - self.edge)


Rule = LogisticRule | IsotonicRule


def fit_recalibration(method: Method, label: Column, score: Reals, *, patient: Numbers) -> Rule:
    """Fit one way of recalibrating on labels and scores; `patient` numbers the patients whose rows these are."""
    if not len(label):
        raise InputError("a recalibration needs rows to be fitted on; there are none.")
    seen = frozenset(np.unique(patient).tolist())
    if method == "isotonic":
        return _isotonic(label.astype(np.float64), score, seen)
    ones, x = np.ones((len(label), 1)), clipped_logit(score)
    if method == "intercept":
        return LogisticRule(float(fit_logistic(ones, label, offset=x)[0]), 1.0, seen)
    intercept, slope = fit_logistic(np.column_stack([ones, x]), label)
    return LogisticRule(float(intercept), float(slope), seen)


def recalibrated(rule: Rule, score: Reals, *, patient: Numbers) -> Reals:
    """Recalibrated scores of patients whom the rule has not seen; InputError, with their count, for those it has."""
    seen = len(rule.fitted_on.intersection(patient.tolist()))
    if seen:
        raise InputError(
            f"recalibration: {seen} of these patients are among those it was fitted on; "
            "fit it on other patients than those it is judged on."
        )
    return rule._apply(score)


def _isotonic(label: Reals, score: Reals, seen: frozenset[int]) -> IsotonicRule:
    from scipy.optimize import isotonic_regression

    points, at, count = np.unique(score, return_inverse=True, return_counts=True)
    share = np.bincount(at, weights=label) / count
    steps = isotonic_regression(share, weights=count.astype(np.float64)).x
    # the edge is Laplace's rule of succession: n of n came true, (n + 1) of (n + 2) is believed.
    return IsotonicRule(points, steps, 1 / (len(label) + 2), seen)
