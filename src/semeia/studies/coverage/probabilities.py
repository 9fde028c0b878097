"""How often intervals of what depends on the prevalence hold the truth: calibration, Brier score, AUPRC, net benefit.

Cohorts are drawn from a world in which every score is the true probability of its unit, so that each truth is known by
integration. A patient has one to four units that share a part of their log-odds.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.special import expit

from semeia.evaluation.cells import patient_strata
from semeia.evaluation.resampling import Draws
from semeia.evaluation.statistics.calibration import calibration_draws
from semeia.evaluation.statistics.discrimination import auprc_draws, auroc_draws, brier_draws
from semeia.evaluation.statistics.net_benefit import net_benefit_draws

THRESHOLD = 0.2
QUANTITIES = ("calibration_intercept", "calibration_slope", "brier", "auprc", "auroc", f"net_benefit_at_{THRESHOLD:g}")
METHODS = ("percentile", "bca", "positives_fixed")
# Patients that must have a unit of either class: evaluation gives no interval to fewer.
FEWEST = 5


@dataclass(frozen=True)
class CalibratedWorld:
    """Where cohorts are drawn from.

    Attributes:
        patients: in a cohort.
        mean: of the log-odds of a unit.
        spread: their standard deviation.
        shared: share of their variance that is the patient's.
    """

    patients: int
    mean: float = -1.0
    spread: float = 1.2
    shared: float = 0.5


def truths(world: CalibratedWorld) -> dict[str, float]:
    """The true value of each quantity, by integration over the log-odds."""
    x = np.linspace(world.mean - 9 * world.spread, world.mean + 9 * world.spread, 200_001)[::-1]
    density = np.exp(-0.5 * ((x - world.mean) / world.spread) ** 2)
    density /= density.sum()
    p = expit(x)
    positive, negative = p * density, (1 - p) * density
    found, false = np.cumsum(positive), np.cumsum(negative)
    treated = p >= THRESHOLD
    net_benefit = (positive - negative * THRESHOLD / (1 - THRESHOLD))[treated].sum()
    prevalence = found[-1]
    auprc = float((positive * found / (found + false)).sum() / prevalence)
    auroc = float((negative * (found - positive / 2)).sum() / (prevalence * (1 - prevalence)))
    values = (0.0, 1.0, float((p * negative).sum()), auprc, auroc, float(net_benefit))
    return dict(zip(QUANTITIES, values, strict=True))


def draw_calibrated(
    world: CalibratedWorld, rng: np.random.Generator
) -> tuple[Int[np.ndarray, "n"], Int[np.ndarray, "n"], Float[np.ndarray, "n"]]:
    """Patient, label and score of each unit of one cohort; both classes are had by five patients or more."""
    while True:
        patient = np.repeat(np.arange(world.patients), rng.integers(1, 5, world.patients))
        own, theirs = rng.normal(size=len(patient)), rng.normal(size=world.patients)[patient]
        x = world.mean + world.spread * (np.sqrt(1 - world.shared) * own + np.sqrt(world.shared) * theirs)
        label = (rng.random(len(x)) < expit(x)).astype(np.int64)
        if all(len(np.unique(patient[label == value])) >= FEWEST for value in (0, 1)):
            return patient, label, expit(x)


def coverages(
    world: CalibratedWorld, rng: np.random.Generator, *, repeats: int, draws: int
) -> dict[str, dict[str, float]]:
    """Share of cohorts whose interval holds the truth, by quantity and method.

    `percentile` and `bca` are those of the evaluation, whose draws of patients have no strata; `positives_fixed` is the
    percentile interval of draws that keep the number of patients with a positive unit.
    """
    truth = np.array(list(truths(world).values()))
    held = np.zeros((len(METHODS), len(QUANTITIES)))
    for _ in range(repeats):
        patient, label, score = draw_calibrated(world, rng)
        seed = int(rng.integers(2**31))
        positive = np.bincount(patient, weights=label) > 0
        rarer = min(int(positive.sum()), len(np.unique(patient[label == 0])))

        def statistic(
            weights: Shaped[np.ndarray, "draws n"], label: np.ndarray = label, score: np.ndarray = score
        ) -> Float[np.ndarray, "draws k"]:
            benefit = net_benefit_draws(label, score, weights, thresholds=np.array([THRESHOLD]))[:, 0]
            others = [function(label, score, weights) for function in (brier_draws, auprc_draws, auroc_draws)]
            return np.column_stack([*calibration_draws(label, score, weights), *others, benefit])

        free = Draws(patient_strata(positive), draws, seed, "bca")
        fixed = Draws(patient_strata(positive, by_class=True), draws, seed)
        values, kept = free.apply(patient, statistic), fixed.apply(patient, statistic)
        plain = Draws(free.strata, draws, seed)
        for column, true in enumerate(truth):
            ends = (
                plain.interval(values[:, column], patients=rarer),
                free.interval(values[:, column]),
                fixed.interval(kept[:, column], patients=rarer),
            )
            held[:, column] += [low <= true <= high for low, high in ends]
    shares = held / repeats
    return {
        quantity: {method: float(shares[row, column]) for row, method in enumerate(METHODS)}
        for column, quantity in enumerate(QUANTITIES)
    }
