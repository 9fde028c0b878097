"""Measure an archive on simple features: views against each other, visits against the ones before, the label.

Models are linear, and judged in patients left out. Of an outcome with more than two classes every number that hangs on
labels is the mean over classes, each against the others (macro).
"""

from dataclasses import dataclass

import numpy as np

from semeia.evaluation.statistics.discrimination import auroc, auroc_draws
from semeia.learning.advice.placing import Place, place
from semeia.learning.advice.predictability import (
    DRAWS,
    FEWEST,
    Estimate,
    Predictability,
    components,
    predictability,
    separability,
)
from semeia.learning.probe import fit_linear, inner_folds
from semeia.studies.advise_views import Views, earlier

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
        classes: labelled units of each class.
        observed: units that have each view.
        simple: AUROC of ridge logistic regression on everything.
        pair: names of the two views that are held against each other.
        across: how well each predicts the other, by "one from other".
        earlier: how well each modality's newest observation is predicted from the one before.
        place: on the map.
        sites: AUROC with which features tell the largest site from the others.
    """

    archive: str
    outcome: str
    units: int
    patients: int
    labelled: int
    classes: tuple[int, ...]
    observed: dict[str, int]
    simple: Estimate | None
    pair: tuple[str, ...]
    across: dict[str, Predictability]
    earlier: dict[str, Predictability]
    place: Place | None
    sites: float | None


def measure(read: Views, *, archive: str, outcome: str) -> Measured:
    """Measure everything, on units that have anything of what is named."""
    data, labels, subjects = read.data, read.labels, read.data.subjects
    there, everything = read.there, read.simple()
    names, first, second = pair_of(read)
    both = np.asarray(~np.isnan(first).all(1) & ~np.isnan(second).all(1))
    placed = None
    if both.sum() >= FEWEST and all(np.nanstd(view[both], 0).any() for view in (first, second)):
        placed = place(first, second, labels, subjects, both=both, alone=len(there) == 1)
    site = data.units["site"].fill_null("").to_numpy()
    known = ~np.isnan(labels)
    classes = np.bincount(labels[known].astype(int), minlength=2) if known.any() else np.zeros(0, int)
    across = {f"{names[1]} from {names[0]}": placed.forth, f"{names[0]} from {names[1]}": placed.back} if placed else {}
    return Measured(
        archive=archive,
        outcome=outcome,
        units=len(data),
        patients=len(np.unique(subjects)),
        labelled=int(known.sum()),
        classes=tuple(classes.tolist()),
        observed={name: int(seen.sum()) for name, seen in there.items()},
        simple=ridge_logistic(everything[known], labels[known], subjects[known]) if known.any() else None,
        pair=names,
        across=across,
        earlier={name: one for name in data.modalities if (one := _over_time(read, name)) is not None},
        place=placed.place if placed else None,
        sites=separability(components(everything), site, subjects) if len(np.unique(site)) > 1 else None,
    )


def pair_of(read: Views) -> tuple[tuple[str, str], np.ndarray, np.ndarray]:
    """The two views that most units have, or the halves of the only one: names and columns."""
    ordered = sorted(read.views, key=lambda name: -read.there[name].sum())
    if len(ordered) > 1:
        return (ordered[0], ordered[1]), read.views[ordered[0]], read.views[ordered[1]]
    only = ordered[0]
    return (f"{only}, one half", f"{only}, other half"), *read.halves[only]


def ridge_logistic(x: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> Estimate | None:
    """AUROC of ridge logistic regression in patients left out, macro over classes, with a 95 % interval.

    The interval is of bootstrap draws of patients.
    """
    names, number = np.unique(patients, return_inverse=True)
    drawn = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS)
    values, draws = [], []
    classes = np.unique(labels)
    for value in classes if len(classes) > 2 else classes[1:]:
        label = (labels == value).astype(float)
        folds, scores = inner_folds(label, patients, 0), np.full(len(label), np.nan)
        if len(folds) < 2:
            return None
        for train, test in folds:
            mean, sd = x[train].mean(0), x[train].std(0) + 1e-9
            head = fit_linear((x[train] - mean) / sd, label[train], patients[train], seed=0, strengths=STRENGTHS)
            scores[test] = (x[test] - mean) / sd @ head.weight + head.bias
        scored = ~np.isnan(scores)
        values.append(auroc(label[scored], scores[scored]))
        draws.append(auroc_draws(label[scored], scores[scored], drawn[:, number[scored]]))
    low, high = np.nanquantile(np.mean(draws, axis=0), [0.025, 0.975])
    return Estimate(float(np.mean(values)), float(low), float(high))


def _over_time(read: Views, name: str) -> Predictability | None:
    """How well the newest observation is predicted from the one before it, where enough units have two."""
    pair = earlier(read.data, name, FEWEST)
    return None if pair is None else predictability(pair[1], pair[0], read.data.subjects[pair[2]])
