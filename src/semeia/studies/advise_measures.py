"""Measure an archive on simple features: two modalities against each other, visits against the ones before, the label.

Features are the values of tables and vectors, and principal components of images; models are linear, and judged in
patients left out.
"""

from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from semeia.archive.store import Archive
from semeia.data.dataset import Dataset, open_dataset
from semeia.data.modalities import Signal, Text, Volume
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.evaluation.statistics.delong import areas, logit_interval
from semeia.learning.advice.map import Place
from semeia.learning.advice.placing import Placed, place
from semeia.learning.advice.predictability import (
    FEWEST,
    Estimate,
    Predictability,
    components,
    predictability,
    separability,
)
from semeia.learning.columns import Columns, numbers
from semeia.learning.probe import fit_linear, inner_folds
from semeia.studies.run.reading import labels_of

WIDE = 200  # more columns than these enter the simple model as principal components
IMAGE_COMPONENTS = 60
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)


@dataclass(frozen=True)
class Measured:
    """Everything measured in an archive; None where it could not be.

    Attributes:
        archive: its folder.
        outcome: empty where none was named.
        units: with anything that is read.
        patients: of these.
        labelled: labelled units.
        positive: of these, with the outcome.
        observed: units that have each modality.
        simple: AUROC of ridge logistic regression on everything.
        pair: names of the two modalities that are held against each other.
        across: how well each predicts the other, by "one from other".
        earlier: how well each modality's newest observation is predicted from the one before.
        place: the six numbers of the map.
        rest: AUROC on the directions that are not shared.
        sites: AUROC with which features tell the largest site from the others.
    """

    archive: str
    outcome: str
    units: int
    patients: int
    labelled: int
    positive: int
    observed: dict[str, int]
    simple: Estimate | None
    pair: tuple[str, ...]
    across: dict[str, Predictability]
    earlier: dict[str, Predictability]
    place: Place | None
    rest: float | None
    sites: float | None


def open_units(archive: Archive, modalities: tuple[str, ...] | None) -> tuple[Dataset, tuple[str, ...]]:
    """Open the units with the modalities that simple features can be made of."""
    there = {
        name: one for name, one in ModelSettings().modalities_of(archive).items() if not isinstance(one, Text | Signal)
    }
    wanted = modalities or tuple(there)
    if lacking := sorted(set(wanted) - set(there)):
        raise InputError(f"{archive.path}: no {', '.join(lacking)}; it has {', '.join(there) or 'nothing to measure'}")
    if not wanted:
        raise InputError(f"{archive.path}: has no image, reading or array that simple features could be made of")
    data = open_dataset(archive, {name: there[name] for name in wanted})
    return data, tuple(name for name in wanted if data.observed(name).any())


def measure(archive: Archive, data: Dataset, names: tuple[str, ...], *, outcome: str | None) -> Measured:
    """Measure everything, on units that have anything of what is named."""
    rows = np.flatnonzero(data.something(names))
    subjects, site = data.subjects[rows], data.units["site"].fill_null("").to_numpy()[rows]
    labels = np.full(len(rows), np.nan) if outcome is None else labels_of(data.units, archive, outcome)[rows]
    features = {name: numbers(data, rows, Columns(modality=name))[0] for name in names}
    there = {name: data.observed(name)[rows] for name in names}
    ordered = sorted(names, key=lambda name: -there[name].sum())
    pair = tuple(ordered[:2]) if len(ordered) > 1 else ()
    both = np.all([there[name] for name in pair], axis=0) if pair else np.zeros(len(rows), bool)
    everything = np.hstack([_simple_columns(features[name], data, name) for name in names])
    across: dict[str, Predictability] = {}
    placed: Placed | None = None
    if both.sum() >= FEWEST:
        parts = {name: components(features[name][both]) for name in pair}
        for one, other in permutations(pair):
            across[f"{one} from {other}"] = predictability(parts[other], parts[one], subjects[both])
        one, other = (features[name] for name in pair)
        placed = _placed(one, other, labels, subjects, both)
    known = ~np.isnan(labels)
    return Measured(
        archive=str(archive.path),
        outcome=outcome or "",
        units=len(rows),
        patients=len(np.unique(subjects)),
        labelled=int(known.sum()),
        positive=int((labels[known] == 1).sum()),
        observed={name: int(seen.sum()) for name, seen in there.items()},
        simple=ridge_logistic(everything[known], labels[known], subjects[known]) if known.any() else None,
        pair=pair,
        across=across,
        earlier={name: one for name in names if (one := _over_time(data, name, rows)) is not None},
        place=None if placed is None else placed.place,
        rest=None if placed is None else placed.rest,
        sites=separability(components(everything), site, subjects) if len(np.unique(site)) > 1 else None,
    )


def ridge_logistic(x: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> Estimate | None:
    """AUROC of ridge logistic regression in patients left out, with a clustered 95 % interval."""
    folds = inner_folds(labels, patients, 0)
    if len(folds) < 2:
        return None
    scores = np.full(len(labels), np.nan)
    for train, test in folds:
        mean, sd = x[train].mean(0), x[train].std(0) + 1e-9
        head = fit_linear((x[train] - mean) / sd, labels[train], patients[train], seed=0, strengths=STRENGTHS)
        scores[test] = (x[test] - mean) / sd @ head.weight + head.bias
    scored = ~np.isnan(scores)
    area = areas(labels[scored], scores[scored][None], patients[scored]).contrast((1.0,))
    return Estimate(area.value, *logit_interval(area))


def _simple_columns(values: np.ndarray, data: Dataset, name: str) -> np.ndarray:
    """Columns for the simple model: as they are, a missing one at its mean; of images and wide vectors components."""
    if isinstance(data.modalities[name], Volume) or values.shape[1] > WIDE:
        return components(values, most=IMAGE_COMPONENTS)
    known = ~np.isnan(values)
    mean = np.where(known, values, 0).sum(0) / known.sum(0).clip(min=1)
    return np.where(known, values, mean)


def _placed(first: np.ndarray, second: np.ndarray, labels: np.ndarray, subjects: np.ndarray, both: np.ndarray):
    try:
        return place(first, second, labels, subjects, both=both)
    except InputError:  # too few labels of a class among those who have both
        return None


def _over_time(data: Dataset, name: str, rows: np.ndarray) -> Predictability | None:
    """Predict the newest observation from the one before it, where enough units have two."""
    observed = data.observations[name]
    if observed.slot.shape[1] < 2:
        return None
    twice = rows[observed.slot[rows, 1] >= 0]
    if len(twice) < FEWEST:
        return None
    before = replace(observed, slot=observed.slot[:, 1:], when=observed.when[:, 1:])
    earlier = replace(data, observations={**data.observations, name: before})
    newest, older = (components(numbers(one, twice, Columns(modality=name))[0]) for one in (data, earlier))
    return predictability(older, newest, data.subjects[twice])
