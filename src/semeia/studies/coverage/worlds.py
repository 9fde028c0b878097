"""Worlds from which cohorts are drawn to count coverage: of two classes, several, two cohorts, times to an event.

A patient has one to four units, which share half of the variance of their log-odds. Scores are calibrated, but for
those of a second arm (less sharp, and worse) and of a second cohort (more cases, judged too low). A world draws a
cohort as parts: the patients of the units, and a statistic of draw weights that gives one column an estimand.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from scipy.special import expit, softmax

from semeia.evaluation.statistics import multiclass
from semeia.evaluation.statistics.calibration import calibration_draws
from semeia.evaluation.statistics.discrimination import brier_draws, ranked_draws, ranking, weighted_mean, weighted_sums
from semeia.evaluation.statistics.group_sums import ratio
from semeia.evaluation.statistics.net_benefit import net_benefit_draws
from semeia.evaluation.statistics.operating_point import call_draws
from semeia.evaluation.statistics.survival import c_index_draws, cases_at, follow_up, weights_at

SPREAD, SHARED = 1.2, 0.5
HORIZON = 1.0

Label = Shaped[np.ndarray, "n"]
Score = Float[np.ndarray, "n"]
Weights = Shaped[np.ndarray, "draws n"]
Values = Float[np.ndarray, "draws k"]


@dataclass(frozen=True)
class Part:
    """One cohort.

    Attributes:
        statistic: from draw weights to a column an estimand.
        groups: of units, such as the positives: each must be had by enough patients.
        carriers: of each estimand, the groups by whose patients its interval is widened.
        scores: label and scores of two arms, where DeLong's intervals are counted, too.
    """

    patient: Int[np.ndarray, "n"]
    statistic: Callable[[Weights], Values]
    groups: tuple[Bool[np.ndarray, "n"], ...]
    carriers: tuple[tuple[int, ...], ...]
    scores: tuple[Label, Float[np.ndarray, "2 n"]] | None = None


@dataclass(frozen=True)
class World:
    """What is drawn and estimated: `draw(patients, prevalence, rng)` gives one part, or home and then outside."""

    estimands: tuple[str, ...]
    draw: Callable[[int, float, np.random.Generator], tuple[Part, ...]]


def mean_log_odds(prevalence: float) -> float:
    """The mean of normal log-odds with standard deviation SPREAD whose mean probability is the prevalence."""
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        share = float(weights @ expit(middle + SPREAD * points) / weights.sum())
        low, high = (middle, high) if share < prevalence else (low, middle)
    return low


def _patients(patients: int, rng: np.random.Generator, columns: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The patient of each unit, and standard normal numbers [n, columns] that those of one patient share in part."""
    patient = np.repeat(np.arange(patients), rng.integers(1, 5, patients))
    own, theirs = rng.normal(size=(len(patient), columns)), rng.normal(size=(patients, columns))[patient]
    return patient, np.sqrt(1 - SHARED) * own + np.sqrt(SHARED) * theirs


def _two_classes(patients: int, prevalence: float, rng: np.random.Generator) -> tuple[Part, ...]:
    patient, normal = _patients(patients, rng)
    x = mean_log_odds(prevalence) + SPREAD * normal[:, 0]
    label = (rng.random(len(x)) < expit(x)).astype(np.int64)
    other = expit(0.8 * x + 0.6 * rng.normal(size=len(x)))
    scores = np.stack([expit(x), other])
    rankings = [ranking(label, score) for score in scores]
    called = (scores[0] >= prevalence).astype(np.float64)
    sums = np.column_stack([label, scores[0]])

    def statistic(weights: Weights) -> Values:
        level, second = (
            [
                *ranked_draws(ranked, weights),
                brier_draws(label, score, weights),
                net_benefit_draws(label, score, weights, thresholds=np.array([prevalence]))[:, 0],
            ]
            for ranked, score in zip(rankings, scores, strict=True)
        )
        observed, expected = weighted_sums(sums, weights).T
        own = [*calibration_draws(label, scores[0], weights), ratio(observed, expected)]
        calls = call_draws(label, called, weights)
        return np.column_stack([*level, *own, *calls, *(b - a for a, b in zip(level, second, strict=True))])

    carriers = ((0, 1),) * 7 + ((0,), (1,)) + ((0, 1),) * 4
    return (Part(patient, statistic, (label > 0, label == 0), carriers, (label, scores)),)


def _two_cohorts(patients: int, prevalence: float, rng: np.random.Generator) -> tuple[Part, ...]:
    parts = []
    for shift, seen in ((0.0, 0.0), (0.5, 0.3)):
        patient, normal = _patients(patients, rng)
        x = mean_log_odds(prevalence) + shift + SPREAD * normal[:, 0]
        label = (rng.random(len(x)) < expit(x)).astype(np.int64)
        parts.append(
            Part(patient, _carried(label, expit(x - seen), prevalence), (label > 0, label == 0), ((0, 1),) * 5)
        )
    return tuple(parts)


def _carried(label: Label, score: Score, threshold: float) -> Callable[[Weights], Values]:
    ranked = ranking(label, score)

    def statistic(weights: Weights) -> Values:
        benefit = net_benefit_draws(label, score, weights, thresholds=np.array([threshold]))[:, 0]
        own = [ranked_draws(ranked, weights)[0], brier_draws(label, score, weights)]
        return np.column_stack([*own, *calibration_draws(label, score, weights), benefit])

    return statistic


def _several_classes(patients: int, prevalence: float, rng: np.random.Generator) -> tuple[Part, ...]:
    patient, normal = _patients(patients, rng, columns=3)
    classes = softmax(np.log([0.6 * (1 - prevalence), 0.4 * (1 - prevalence), prevalence]) + SPREAD * normal, axis=1)
    label = (rng.random((len(classes), 1)) > np.cumsum(classes, axis=1)[:, :2]).sum(axis=1)
    present, called = np.ones(3, dtype=bool), multiclass.called_class(classes)

    def statistic(weights: Weights) -> Values:
        confusion = multiclass.confusion_draws(label, called, weights, classes=3)
        return np.column_stack(
            [
                multiclass.macro_auroc_draws(label, classes, weights),
                multiclass.balanced_accuracy_draws(confusion, present),
                multiclass.accuracy_draws(confusion),
                multiclass.quadratic_kappa_draws(confusion),
                multiclass.multiclass_brier_draws(label, classes, weights),
                multiclass.log_loss_draws(label, classes, weights),
            ]
        )

    groups = (label == 0, label == 1, label == 2, label >= 0)
    return (Part(patient, statistic, groups, ((0, 1, 2),) * 2 + ((3,),) * 4),)


def _times(patients: int, prevalence: float, rng: np.random.Generator) -> tuple[Part, ...]:
    """Exponential times, a share `prevalence` of them before the horizon, of which about a third is censored."""
    patient, normal = _patients(patients, rng)
    score = expit(mean_log_odds(prevalence) + SPREAD * normal[:, 0])
    came = rng.exponential(size=len(score)) * HORIZON / -np.log1p(-score)
    left = rng.uniform(0.2, 2.2, len(score))
    event = came <= left
    rows = follow_up(np.minimum(came, left), event, score)
    case = cases_at(rows, HORIZON)
    ranked = ranking(case, score)

    def statistic(weights: Weights) -> Values:
        at_horizon = weights_at(rows, weights, horizon=HORIZON)
        benefit = net_benefit_draws(case, score, at_horizon, thresholds=np.array([prevalence]))[:, 0]
        observed = weighted_mean(case.astype(np.float64), at_horizon)
        return np.column_stack(
            [
                c_index_draws(rows, weights, horizon=HORIZON),
                ranked_draws(ranked, at_horizon)[0],
                brier_draws(case, score, at_horizon),
                observed / weighted_mean(score, weights),
                benefit,
            ]
        )

    return (Part(patient, statistic, (case, ~case), ((0, 1),) * 6),)


_LEVELS = ("auroc", "auprc", "brier", "net_benefit")
_CALIBRATION = ("calibration_intercept", "calibration_slope")
WORLDS: dict[str, World] = {
    "two classes": World(
        (
            *_LEVELS,
            *_CALIBRATION,
            "observed_expected",
            "sensitivity",
            "specificity",
            *(f"{name} minus reference" for name in _LEVELS),
        ),
        _two_classes,
    ),
    "several classes": World(
        ("macro_auroc", "balanced_accuracy", "accuracy", "quadratic_kappa", "brier_classes", "log_loss"),
        _several_classes,
    ),
    "two cohorts": World(
        tuple(f"{name} minus home" for name in ("auroc", "brier", *_CALIBRATION, "net_benefit")), _two_cohorts
    ),
    "time to event": World(
        (
            "c_index",
            "c_index_uno",
            "auroc_at_horizon",
            "brier_at_horizon",
            "observed_expected_at_horizon",
            "net_benefit_at_horizon",
        ),
        _times,
    ),
}
