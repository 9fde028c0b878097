"""How often a nominal 95 % interval holds the truth: a simulation on patients with several units.

Cohorts are drawn from a world whose AUROCs are known in closed form; a table of coverages goes out, a column a method.
A patient's units share a propensity to be positive and a part of every score, so they are not independent; two arms
share most of their errors, as models of the same patients do. What depends on the prevalence is counted in a world of
its own (coverage_of_probabilities.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int, Shaped
from scipy.special import ndtri

from semeia.errors import InputError
from semeia.evaluation.cells import patient_strata
from semeia.evaluation.resampling import Draws
from semeia.evaluation.statistics.delong import areas, logit_interval
from semeia.evaluation.statistics.discrimination import auroc_draws
from semeia.evaluation.statistics.intervals import percentile_interval
from semeia.studies.coverage.probabilities import CalibratedWorld, coverages, truths

LEVEL = 0.95
# By how much the second arm is worse.
APART = 0.05
# Draws of the published interval that is wrong.
WRONG_DRAWS = 100

Interval = tuple[float, float]
Methods = dict[str, Interval]


@dataclass(frozen=True)
class World:
    """Where cohorts are drawn from.

    Attributes:
        patients: in a cohort; each has one to four units, all numbers alike.
        auroc: of the first arm; the second has APART less.
        prevalence: of positive units.
        alike: correlation of two labels of one patient.
        shared: share of a score's variance that is the patient's.
        together: correlation of the two arms' errors.
    """

    patients: int
    auroc: float
    prevalence: float = 0.3
    alike: float = 0.5
    shared: float = 0.5
    together: float = 0.6


@dataclass(frozen=True)
class Cohort:
    """One cohort of a world: a row a unit."""

    patient: Int[np.ndarray, "n"]
    label: Int[np.ndarray, "n"]
    scores: Float[np.ndarray, "2 n"]


def coverage_study(
    *,
    repeats: int = 2000,
    patients: tuple[int, ...] = (50, 100, 200, 400),
    auroc: tuple[float, ...] = (0.75, 0.9),
    draws: int = 1000,
    seed: int = 0,
) -> pl.DataFrame:
    """How often nominal 95 % intervals hold the true value: of an AUROC, a paired difference, and of probabilities.

    Args:
        repeats: simulated cohorts of each kind; with 2000 a coverage is known to about 1 percentage point.
        patients: numbers of patients in a cohort.
        auroc: true AUROCs of the first arm, between 0.56 and 1; the second arm has 0.05 less.
        draws: bootstrap draws of each cohort.
        seed: number from which everything random follows.

    Returns:
        A row for each quantity, AUROC and number of patients; a column of coverages for each method: the percentile
        and BCa intervals of the patient bootstrap, DeLong clustered by patient, DeLong as if units were patients, the
        mean of 100 bootstrap AUROCs plus and minus 1.96 standard deviations over the square root of 100 (which is in
        print but is the error of the bootstrap's mean), and, for an AUROC, clustered DeLong on the scale of log-odds.
        Then a row for each quantity of calibrated scores and number of patients: percentile, BCa, and what comes out
        where the draws keep the number of positive patients.

    Raises:
        InputError: a number of repeats, patients or draws that is too small, or an AUROC out of bounds.
    """
    if repeats < 1 or draws < WRONG_DRAWS or min(patients, default=0) < 20:
        raise InputError(f"coverage needs at least 1 repeat, {WRONG_DRAWS} draws and cohorts of 20 patients.")
    if not all(0.51 + APART <= value < 1 for value in auroc):
        raise InputError(f"auroc is {auroc}; give numbers from {0.51 + APART:g} to below 1.")
    rows = []
    for number, (value, size) in enumerate((value, size) for value in auroc for size in patients):
        rng = np.random.default_rng([seed, number])
        rows += _coverages(World(size, value), rng, repeats, draws)
    order = {"auroc": 0, "difference": 1}
    rows.sort(key=lambda row: order[str(row["quantity"])])
    calibrated: list[dict[str, str | float | int]] = []
    for number, size in enumerate(patients):
        world, rng = CalibratedWorld(size), np.random.default_rng([seed, number, 1])
        known = truths(world)["auroc"]
        for quantity, shares in coverages(world, rng, repeats=repeats, draws=draws).items():
            name = f"calibrated_{quantity}"
            calibrated.append({"quantity": name, "true_auroc": known, "patients": size, "repeats": repeats} | shares)
    calibrated.sort(key=lambda row: str(row["quantity"]))
    return pl.concat([pl.DataFrame(rows), pl.DataFrame(calibrated)], how="diagonal")


def draw_cohort(world: World, rng: np.random.Generator) -> Cohort:
    """One cohort; score differences between two patients are normal, so AUROC = Phi(shift / sqrt(2))."""
    patient = np.repeat(np.arange(world.patients), rng.integers(1, 5, world.patients))
    size = 1 / world.alike - 1
    propensity = rng.beta(world.prevalence * size, (1 - world.prevalence) * size, world.patients)
    label = (rng.random(len(patient)) < propensity[patient]).astype(np.int64)
    shift = np.sqrt(2) * ndtri(np.array([world.auroc, world.auroc - APART]))
    own = [_errors(world, len(patient), rng), _errors(world, world.patients, rng)[:, patient]]
    error = np.sqrt(1 - world.shared) * own[0] + np.sqrt(world.shared) * own[1]
    return Cohort(patient, label, shift[:, None] * label + error)


def intervals(cohort: Cohort, *, draws: int, seed: int) -> dict[str, Methods]:
    """Every method's interval of the first arm's AUROC ("auroc") and of the two arms' difference ("difference")."""
    label, patient = cohort.label, cohort.patient
    has_positive = np.bincount(patient, weights=label) > 0
    rarer = min(int(has_positive.sum()), len(np.unique(patient[label == 0])))
    drawing = Draws(patient_strata(has_positive), draws, seed, "bca", LEVEL)

    def statistic(weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws 2"]:
        one, other = (auroc_draws(label, score, weights) for score in cohort.scores)
        return np.column_stack([one, one - other])

    values = drawing.apply(patient, statistic)
    clustered, plain = areas(label, cohort.scores, patient), areas(label, cohort.scores)
    out: dict[str, Methods] = {}
    for column, (quantity, coefficients) in enumerate({"auroc": (1, 0), "difference": (1, -1)}.items()):
        drawn = drawing.drawn(values[:, column])
        out[quantity] = {
            "percentile": percentile_interval(drawn, level=LEVEL, patients=rarer),
            "bca": drawing.interval(values[:, column]),
            "delong_clustered": clustered.contrast(coefficients).interval(level=LEVEL),
            "delong_plain": plain.contrast(coefficients).interval(level=LEVEL),
            "mean_sd_over_root_b": _published(drawn[:WRONG_DRAWS]),
        }
    out["auroc"]["delong_logit"] = logit_interval(clustered.contrast((1, 0)), level=LEVEL)
    return out


def _coverages(
    world: World, rng: np.random.Generator, repeats: int, draws: int
) -> Iterator[dict[str, str | float | int]]:
    truth = {"auroc": world.auroc, "difference": APART}
    held: dict[str, dict[str, int]] = {quantity: {} for quantity in truth}
    for _ in range(repeats):
        found = intervals(_usable(world, rng), draws=draws, seed=int(rng.integers(2**31)))
        for quantity, methods in found.items():
            for name, (low, high) in methods.items():
                held[quantity][name] = held[quantity].get(name, 0) + (low <= truth[quantity] <= high)
    for quantity, counts in held.items():
        shares = {name: count / repeats for name, count in counts.items()}
        yield {"quantity": quantity, "true_auroc": world.auroc, "patients": world.patients, "repeats": repeats} | shares


def _usable(world: World, rng: np.random.Generator) -> Cohort:
    """A cohort in which at least five patients have a unit of either class: no study would judge fewer."""
    while True:
        cohort = draw_cohort(world, rng)
        if all(len(np.unique(cohort.patient[cohort.label == value])) >= 5 for value in (0, 1)):
            return cohort


def _errors(world: World, count: int, rng: np.random.Generator) -> Float[np.ndarray, "2 count"]:
    both, apart = rng.normal(size=count), rng.normal(size=(2, count))
    return np.sqrt(world.together) * both + np.sqrt(1 - world.together) * apart


def _published(drawn: Float[np.ndarray, "draws"]) -> Interval:
    width = 1.96 * drawn.std(ddof=1) / np.sqrt(len(drawn))
    return float(drawn.mean() - width), float(drawn.mean() + width)
