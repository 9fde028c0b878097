"""Make the interval of one estimate, or say why there is none.

The bootstrap knows the patients it draws from and no others. Where one patient owns all positive units, or a statistic
has the same value in every draw, it would say far more than the data do; what counts successes of independent patients
and met no failure has an exact interval.
"""

import re
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from semeia.evaluation.cells import Fold, counts
from semeia.evaluation.resampling import Draws
from semeia.evaluation.shapes import Rows
from semeia.evaluation.statistics.intervals import LEAST_DEFINED, exact_bound

# Fewer patients with a unit of one class, and no interval is given: too few for draws of them to vary as cohorts do.
FEWEST = 5
# What varies less over the draws does not vary.
SAME = 1e-9
# Nothing in here is below 0 or above 1, and either end is reached only where every patient is judged alike.
SHARES = re.compile(r"auroc|accuracy|sensitivity|specificity|recall_\d+")
# Of several classes, what needs each of them.
OF_EVERY_CLASS = ("macro_auroc", "balanced_accuracy", "macro_f1")


class Interval(NamedTuple):
    """Both ends, None where there is none; how it was made, or why there is none."""

    low: float | None
    high: float | None
    method: str

    @property
    def why_none(self) -> str:
        """Why there is no interval; empty where there is one."""
        return "" if self.low is not None else self.method

    def columns(self) -> dict[str, str | float | int | None]:
        """The columns low, high and interval_method of a table."""
        return {"low": self.low, "high": self.high, "interval_method": self.method}


def interval_of(
    draws: Draws, values: Rows, folds: Collection[Fold], metric: str, *, difference: bool = False
) -> Interval:
    """The interval of a statistic in one cohort; `metric` is its name, which says which patients carry it.

    `folds` are the rows it was taken on; a `difference` is one of arms or cohorts.
    """
    patients = carriers(folds, metric)
    if SHARES.fullmatch(metric) and not difference and values[0] in (0.0, 1.0) and patients:
        what = "1 patient" if patients == 1 else f"{patients} patients"
        if metric == "auroc":  # it compares two: so many pairs share nobody
            patients = max(1, min(patients, counts(folds)["n_patients"] // 2))
            what = "1 pair of patients" if patients == 1 else f"{patients} pairs of patients"
        low, high = exact_bound(float(values[0]), patients, level=draws.level)
        return Interval(low, high, f"{draws.level:.0%} exact, {what} without a {'miss' if values[0] else 'hit'}")
    if patients < FEWEST:
        owners = "1 patient has all units" if patients == 1 else f"{patients} patients have all units"
        return Interval(None, None, f"none: {owners} of a class (fewer than {FEWEST})")
    return interval_of_draws(draws, values, patients=patients)


def interval_of_draws(draws: Draws, values: Rows, *, patients: int | None = None) -> Interval:
    """The interval of a statistic that many patients carry."""
    drawn = draws.drawn(values)
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < LEAST_DEFINED * len(drawn):
        return Interval(None, None, "none: undefined in more than a tenth of the draws")
    if np.ptp(defined) <= SAME:
        return Interval(None, None, "none: the same in every draw")
    low, high = draws.interval(values, patients=patients)
    return Interval(low, high, draws.words)


def carriers(folds: Collection[Fold], metric: str) -> int:
    """How many patients carry a statistic: those with a unit of the class it is of, or of the rarer class it needs."""
    label = np.concatenate([fold.label for fold in folds])
    patient = np.concatenate([fold.patient for fold in folds])

    if next(iter(folds)).classes.shape[1]:
        if match := re.fullmatch(r"recall_(\d+)", metric):
            return _having(patient, label == int(match[1]))
        if match := re.fullmatch(r"auroc_at_least_(\d+)", metric):
            return min(_having(patient, label >= int(match[1])), _having(patient, label < int(match[1])))
        if metric in OF_EVERY_CLASS:
            return min(_having(patient, label == each) for each in np.unique(label))
        return counts(folds)["n_patients"]
    positive, negative = _having(patient, label > 0), _having(patient, label == 0)
    return {"sensitivity": positive, "specificity": negative}.get(metric, min(positive, negative))


def _having(patient: np.ndarray, rows: np.ndarray) -> int:
    """Count the patients of some rows."""
    return int(np.count_nonzero(np.bincount(patient[rows], minlength=1)))
