"""Standard errors of AUROCs, and of their differences, by DeLong, also for several units a patient.

`Areas` hold what each patient contributes to the covariance (DeLong et al. 1988; Obuchowski 1997 where patients have
several units); those of several seeds are averaged patient by patient, whether or not they test the same patients.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.special import expit, logit, ndtr, ndtri

from semeia.evaluation.shapes import Column
from semeia.evaluation.statistics.discrimination import both_classes

# Below this a standard error is rounding: the scores order the patients alike.
NO_ERROR = 1e-12


@dataclass(frozen=True)
class Difference:
    """A difference of AUROCs, or one AUROC, with its standard error."""

    value: float
    error: float

    @property
    def z(self) -> float:
        """Difference in standard errors; 0 when the scores do the same, NaN when only the error is 0 or undefined."""
        if self.error < NO_ERROR:
            return 0.0 if abs(self.value) < NO_ERROR else float("nan")
        return self.value / self.error

    @property
    def p(self) -> float:
        """Two-sided p-value of no difference."""
        return float(2 * ndtr(-abs(self.z)))

    def interval(self, *, level: float = 0.95) -> tuple[float, float]:
        """Low and high by the normal approximation."""
        width = self.error * ndtri((1 + level) / 2)
        return float(self.value - width), float(self.value + width)


@dataclass(frozen=True)
class Areas:
    """AUROCs of several scores of the same units, and the contributions of the patients to their covariance."""

    value: Float[np.ndarray, "scores"]  # AUROC of each score
    patient: Shaped[np.ndarray, "patients"]  # the patients, sorted
    # of each score and patient: its positive units' part, its negative units' part, and the two again with the weights
    # of the covariance between them; NaN when fewer than two patients have a unit of one class
    parts: Float[np.ndarray, "4 scores patients"]

    def contrast(self, coefficients: tuple[float | int, ...]) -> Difference:
        """The sum of the AUROCs times `coefficients`, such as (1, -1), with its standard error."""
        # contributions are combined before they are squared: equal scores then differ by exactly 0.
        weights = np.array(coefficients, dtype=np.float64)
        positive, negative, crossed, other = np.einsum("s,qsp->qp", weights, self.parts)
        variance = float((positive**2 + negative**2 + 2 * crossed * other).sum())
        return Difference(float(weights @ self.value), float(np.sqrt(variance)))


def logit_interval(area: Difference, *, level: float = 0.95) -> tuple[float, float]:
    """Low and high of one AUROC, normal on the logit scale (Qin and Hotilovac 2008); NaN, NaN for one of 0 or 1."""
    if not 0 < area.value < 1:
        return float("nan"), float("nan")
    centre, error = logit(area.value), area.error / (area.value * (1 - area.value))
    low, high = expit(np.array(Difference(float(centre), float(error)).interval(level=level)))
    return float(low), float(high)


def placements(label: Column, score: Column) -> tuple[Float[np.ndarray, "positives"], Float[np.ndarray, "negatives"]]:
    """The share of negatives below each positive, and of positives above each negative; ties count one half.

    Midranks by sorting, n log n (Sun and Xu 2014).
    """
    positive = both_classes(label, "AUROC")
    return _share_below(score[positive], score[~positive]), 1 - _share_below(score[~positive], score[positive])


def areas(label: Column, scores: Shaped[np.ndarray, "scores n"], patient: Column | None = None) -> Areas:
    """AUROCs of scores (one row a score) of the same units.

    `patient` is whose each unit is; None when every unit is a patient of its own (plain DeLong). InputError when the
    labels are all the same.
    """
    label = np.asarray(label, dtype=bool)
    names, owner = np.unique(np.arange(len(label)) if patient is None else patient, return_inverse=True)
    value = np.empty(len(scores))
    parts = np.empty((4, len(scores), len(names)))
    for number, score in enumerate(scores):
        above, below = placements(label, score)
        value[number] = above.mean()
        parts[:, number] = _parts(above - value[number], below - value[number], owner[label], owner[~label], len(names))
    return Areas(value, names, parts)


def mean_areas(several: list[Areas]) -> Areas:
    """The AUROCs averaged over seeds or folds, patients being matched by name."""
    names = np.unique(np.concatenate([one.patient for one in several]))
    parts = np.zeros((*several[0].parts.shape[:2], len(names)))
    for one in several:
        parts[:, :, np.searchsorted(names, one.patient)] += one.parts
    value = np.mean([one.value for one in several], axis=0)
    return Areas(value, names, parts / len(several))


def _share_below(values: Shaped[np.ndarray, "m"], others: Column) -> Float[np.ndarray, "m"]:
    ordered = np.sort(others)
    sides = [np.searchsorted(ordered, values, side=side) for side in ("left", "right")]
    return (sides[0] + sides[1]) / (2 * len(ordered))


def _parts(
    above: Float[np.ndarray, "positives"],
    below: Float[np.ndarray, "negatives"],
    positive: Int[np.ndarray, "positives"],
    negative: Int[np.ndarray, "negatives"],
    patients: int,
) -> Float[np.ndarray, "4 patients"]:
    """Sums by patient over the number of units, with the small-sample factor of Obuchowski's S10, S01 and S11."""
    sums = [
        np.bincount(owner, weights=excess, minlength=patients) / len(excess)
        for owner, excess in ((positive, above), (negative, below))
    ]
    factors = [_factor(len(np.unique(owner))) for owner in (positive, negative)]
    both = _factor(patients)
    return np.stack([sums[0] * factors[0], sums[1] * factors[1], sums[0] * both, sums[1] * both])


def _factor(count: int) -> float:
    return float(np.sqrt(count / (count - 1))) if count > 1 else float("nan")
