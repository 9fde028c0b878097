"""How often a nominal 95 % interval holds the truth: a simulation on patients with several units.

Cohorts are drawn from the worlds of worlds.py; the truth is what each estimand is in one very large cohort.
The intervals are those of the evaluation: patients drawn without strata, tails widened by the number of patients who
carry the estimand, none from draws of which more than a tenth is undefined.
"""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

from semeia.archive.atomic import make_folder, write_json
from semeia.errors import InputError
from semeia.evaluation.contrasts import gap_draws
from semeia.evaluation.resampling import Draws
from semeia.evaluation.statistics.delong import areas, logit_interval
from semeia.evaluation.statistics.intervals import LEAST_DEFINED
from semeia.evaluation.uncertainty import FEWEST
from semeia.studies.coverage.worlds import WORLDS, Part, World

LEVEL = 0.95
# Larger cohorts need no BCa intervals, and leaving groups out takes as long as the draws do.
MOST_FOR_BCA = 200
# Patients of the cohort that is taken for the truth.
VERY_LARGE = 300_000
METHODS = ("percentile", "bca", "delong", "delong_logit", "delong_units_as_patients")
Interval = tuple[float, float]
# Of one estimand the interval of each method; a method that gives none is left out.
Intervals = dict[str, dict[str, Interval]]


def coverage_study(
    *,
    repeats: int = 200,
    patients: tuple[int, ...] = (50, 200, 1000),
    prevalence: tuple[float, ...] = (0.02, 0.1, 0.5),
    draws: int = 200,
    seed: int = 0,
    cells: Path | None = None,
) -> pl.DataFrame:
    """How often nominal 95 % intervals hold the true value of every kind of estimand.

    Args:
        repeats: simulated cohorts of each kind; with 200 a coverage of 95 % comes out between 92 and 98.
        patients: numbers of patients in a cohort.
        prevalence: shares of positive units (of the rarest class; of events by the horizon). Where fewer than five
            patients with a positive unit are expected there is no interval, and nothing is counted.
        draws: bootstrap draws of each cohort.
        seed: number from which everything random follows.
        cells: folder in which what is counted is kept, so that the same command goes on where it was ended.

    Returns:
        A row for each world, estimand, prevalence and number of patients: the truth, the share of cohorts that got an
        interval, and of these the share whose interval holds the truth, by method: percentile and BCa of the patient
        bootstrap (BCa up to 200 patients), and for an AUROC or a difference of two DeLong clustered by patient, the
        same on the scale of log-odds, and DeLong as if units were patients.

    Raises:
        InputError: a number of repeats, patients or draws that is too small, or a prevalence out of bounds.
    """
    if repeats < 1 or draws < 100 or min(patients, default=0) < 20:
        raise InputError("coverage needs at least 1 repeat, 100 draws and cohorts of 20 patients.")
    if not all(0 < value <= 0.5 for value in prevalence):
        raise InputError(f"prevalence is {prevalence}; give numbers above 0 and up to 0.5.")
    if cells is not None:
        make_folder(cells)
    rows: list[dict[str, object]] = []
    for size, share, name in product(patients, prevalence, WORLDS):
        # one to four units a patient: those of half of the positive units may be one patient's.
        if size * share < FEWEST / 2:
            continue
        asked = {"world": name, "prevalence": share, "patients": size, "repeats": repeats, "draws": draws, "seed": seed}
        kept = None if cells is None else cells / f"{'-'.join(str(value) for value in asked.values())}.json"
        if kept is not None and kept.is_file():
            rows += json.loads(kept.read_text())
            continue
        # What is random in a world and prevalence depends on nothing else that is asked.
        number = [seed, list(WORLDS).index(name), round(share * 10_000)]
        counted = [asked | row for row in _cell(WORLDS[name], size, share, repeats, draws, number)]
        rows += counted
        if kept is not None:
            write_json(kept, [*counted])
    order = ["world", "estimand", "prevalence", "patients"]
    return pl.DataFrame(rows).drop("draws", "seed").select(*order, pl.exclude(order)).sort(order, maintain_order=True)


def truths(world: World, prevalence: float, rng: np.random.Generator, *, patients: int = VERY_LARGE) -> np.ndarray:
    """Every estimand of a world in one very large cohort."""
    parts = world.draw(patients, prevalence, rng)
    values = [part.statistic(np.ones((1, len(part.patient)), dtype=np.int16))[0] for part in parts]
    return values[0] if len(values) == 1 else values[1] - values[0]


def intervals(world: World, parts: tuple[Part, ...], *, draws: int, seed: int) -> Intervals:
    """Every method's interval of every estimand of one cohort."""
    sizes = [int(part.patient.max()) + 1 for part in parts]
    method = "bca" if max(sizes) <= MOST_FOR_BCA else "percentile"
    drawing = [Draws(np.zeros(size, dtype=np.int8), draws, seed, method, LEVEL) for size in sizes]
    values = [one.apply(part.patient, part.statistic) for one, part in zip(drawing, parts, strict=True)]
    columns = values[0].T
    if len(parts) == 2:
        pairs = zip(values[0].T, values[1].T, strict=True)
        columns = np.array([gap_draws(inside, outside, number=draws) for inside, outside in pairs])
    had = [[len(np.unique(part.patient[group])) for group in part.groups] for part in parts]
    plain = Draws(drawing[0].strata, draws, seed)
    out: Intervals = {}
    for column, (name, of_name) in enumerate(zip(world.estimands, columns, strict=True)):
        carriers = min(counts[group] for counts in had for group in parts[0].carriers[column])
        given = np.isnan(plain.drawn(of_name)).mean() <= 1 - LEAST_DEFINED
        methods = {"percentile": plain.interval(of_name, patients=carriers)}
        methods |= {"bca": drawing[0].interval(of_name)} if method == "bca" else {}
        out[name] = methods if given else {}
    if parts[0].scores is not None:
        label, scores = parts[0].scores
        clustered, units = areas(label, scores, parts[0].patient), areas(label, scores)
        for name, coefficients in {"auroc": (1, 0), "auroc minus reference": (-1, 1)}.items():
            out[name]["delong"] = clustered.contrast(coefficients).interval(level=LEVEL)
            out[name]["delong_units_as_patients"] = units.contrast(coefficients).interval(level=LEVEL)
        out["auroc"]["delong_logit"] = logit_interval(clustered.contrast((1, 0)), level=LEVEL)
    return out


def _cell(
    world: World, patients: int, prevalence: float, repeats: int, draws: int, seed: list[int]
) -> Iterator[dict[str, object]]:
    known = truths(world, prevalence, np.random.default_rng(seed))
    rng = np.random.default_rng([*seed, patients])
    counts: dict[str, dict[str, Float[np.ndarray, " held_and_given"]]] = {name: {} for name in world.estimands}
    for _ in range(repeats):
        found = intervals(world, _usable(world, patients, prevalence, rng), draws=draws, seed=int(rng.integers(2**31)))
        for truth, (name, methods) in zip(known, found.items(), strict=True):
            for method, (low, high) in methods.items():
                counts[name].setdefault(method, np.zeros(2))
                counts[name][method] += [low <= truth <= high, 1]
    for truth, (name, methods) in zip(known, counts.items(), strict=True):
        held: dict[str, object] = {
            method: None if method not in methods else float(np.divide(*methods[method])) for method in METHODS
        }
        given = methods["percentile"][1] / repeats if "percentile" in methods else 0.0
        yield {"estimand": name, "truth": float(truth), "given": float(given)} | held


def _usable(world: World, patients: int, prevalence: float, rng: np.random.Generator) -> tuple[Part, ...]:
    """A cohort in which enough patients have a unit of each group: evaluation gives no interval to fewer."""
    while True:
        parts = world.draw(patients, prevalence, rng)
        if all(len(np.unique(part.patient[group])) >= FEWEST for part in parts for group in part.groups):
            return parts
