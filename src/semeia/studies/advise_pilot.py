"""Sharpen what the map of `semeia advise` expects by a short pilot on the archive itself.

Small networks, those of the map, pretrain briefly on the two views and are fine-tuned in folds of the labelled
patients, beside the same networks from scratch and ridge regression. What they gain, with DeLong's standard error, and
what the map expects are weighted by inverse variance; tools/advise_pilot.py holds that against made-up worlds.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool
from scipy.stats import rankdata

from semeia.errors import InputError
from semeia.evaluation.statistics.delong import Difference, areas
from semeia.learning.advice.map import Expected
from semeia.learning.advice.predictability import FOLDS, components, patient_folds, ridge
from semeia.learning.advice.sharpening import normal, sharpened
from semeia.studies.advise_measures import pair_of
from semeia.studies.advise_views import Views
from semeia.studies.advise_worlds import AdviserMapSettings, embedded, finetuned, scored
from semeia.worlds import Patients
from semeia.worlds.causes import Latents
from semeia.worlds.sweep.archives import Cohort, fit_archive, stacked_pairs
from semeia.worlds.sweep.finetuning import Classifiers
from semeia.worlds.sweep.networks import Encoders
from semeia.worlds.sweep.pretraining import SmallPretraining, pretrain

STEPS = 300  # of pretraining, of the 1,000 that the map is made with
SETTINGS = AdviserMapSettings(pretraining=SmallPretraining(steps=STEPS))
GAINS = {"scratch": ("jepa", "scratch"), "frozen": ("jepa_frozen", "scratch"), "ridge": ("jepa", "ridge")}
WIDTH = 32  # components of each view, at most: as wide as the narrowest worlds of the map
RARER = 10  # labelled patients of the rarer class, at least


@dataclass(frozen=True)
class Pilot:
    """What a pilot found, and what is expected with it.

    Attributes:
        steps: of pretraining.
        labelled: units in the folds.
        found: gain in the pilot alone, by the names of GAINS.
        combined: with what the map expects.
    """

    steps: int
    labelled: int
    found: dict[str, Expected]
    combined: dict[str, Expected]


def run_pilot(read: Views, prior: dict[str, Expected], *, settings: AdviserMapSettings = SETTINGS) -> Pilot:
    """Train on the units that have the first view, and put the gains together with what the map expects.

    No patient of a fold is among those who pretrain for it.
    """
    _, first, second = pair_of(read)
    rows = np.flatnonzero(~np.isnan(first).all(1))
    labels, subjects = read.labels[rows], read.data.subjects[rows]
    known, folds = ~np.isnan(labels), range(FOLDS)
    people = _as_patients(first[rows], second[rows], np.nan_to_num(labels).astype(int))
    owner, seeds = subjects[known], list(folds)
    fold = patient_folds(owner, seed=0, labels=labels[known])
    archives = [fit_archive(_taken(people, ~np.isin(subjects, owner[fold == held]))) for held in folds]
    pairs, cells = stacked_pairs(archives), torch.arange(FOLDS)
    encoders = pretrain(pairs, cells, objective="ema", settings=settings.pretraining, seeds=seeds)
    cohorts = [archive.cohort(_taken(people, known)) for archive in archives]
    training = [part(cohorts[held], fold != held) for held in folds]
    models = finetuned([[cohort] for cohort in training], {"jepa": encoders}, seeds, settings)
    gains = gains_of(
        list(zip(training, [part(cohorts[held], fold == held) for held in folds], strict=True)),
        models,
        encoders,
        patients=np.concatenate([owner[fold == held] for held in folds]),
    )
    found = {name: normal(gain.value, gain.error) for name, gain in gains.items()}
    combined = {name: sharpened(prior[name], gain) for name, gain in gains.items()}
    return Pilot(settings.pretraining.steps, int(known.sum()), found, combined)


def require_labels(read: Views) -> None:
    """Refuse what a pilot cannot be fitted to."""
    _, first, _ = pair_of(read)
    known = ~np.isnan(read.labels) & ~np.isnan(first).all(1)
    classes = np.unique(read.labels[known])
    if len(classes) > 2:
        raise InputError(f"a pilot needs an outcome of two classes, and this one has {len(classes)}: leave out --pilot")
    counts = [len(np.unique(read.data.subjects[known & (read.labels == value)])) for value in (0, 1)]
    if min(counts) < RARER:
        raise InputError(
            f"a pilot needs {RARER} labelled patients of each class; there are {counts[0]} with 0 and {counts[1]} with "
            "1: leave out --pilot"
        )


def gains_of(
    folds: list[tuple[Cohort, Cohort]],
    models: dict[str, Classifiers],
    encoders: Encoders,
    *,
    patients: np.ndarray | None = None,
) -> dict[str, Difference]:
    """Gains in patients left out, by the names of GAINS; models and encoders have a cell a fold (training, test).

    Args:
        patients: whose each unit of the tests is, fold by fold; None where each is a patient of its own.
    """
    ranks: dict[str, list[np.ndarray]] = {}
    for held, (train, test) in enumerate(folds):
        cell, target = torch.tensor([held]), 2.0 * train.patients.label - 1
        own = encoders.of_cells(cell)
        scores = {name: scored(stack.of_cells(cell), test)[0] for name, stack in models.items()}
        scores["ridge"] = ridge(train.columns, target)(test.columns)
        scores["jepa_frozen"] = ridge(embedded(own, train, train), target)(embedded(own, train, test))
        for name, score in scores.items():  # models of folds have scales of their own
            ranks.setdefault(name, []).append(rankdata(score) / len(score))
    label = np.concatenate([test.patients.label for _, test in folds])
    ranked = {name: np.concatenate(each) for name, each in ranks.items()}
    return {
        name: areas(label, np.stack([ranked[arm], ranked[other]]), patients).contrast((1, -1))
        for name, (arm, other) in GAINS.items()
    }


def part(cohort: Cohort, rows: Bool[np.ndarray, " n"]) -> Cohort:
    """Take some patients."""
    return Cohort(_taken(cohort.patients, rows), {name: values[rows] for name, values in cohort.features.items()})


def _as_patients(first: np.ndarray, second: np.ndarray, label: np.ndarray) -> Patients:
    """Components of two views in the place of made-up features; the truth is not known."""
    none, unknown = np.empty((len(label), 0)), np.full(len(label), np.nan)
    return Patients(_components(first), _components(second), label, Latents(none, none, none, unknown, unknown, label))


def _components(view: np.ndarray) -> np.ndarray:
    """Standardised principal components, NaN where a unit has nothing of the view."""
    there = ~np.isnan(view).all(1)
    found = components(view[there], most=WIDTH)
    columns = np.full((len(view), found.shape[1]), np.nan, np.float32)
    columns[there] = found
    return columns


def _taken(people: Patients, rows: Bool[np.ndarray, " n"]) -> Patients:
    """Take some of the patients; their truth is not read."""
    return replace(people, image=people.image[rows], record=people.record[rows], label=people.label[rows])
