"""From bootstrap draws to rows of results: levels of one cell, and paired differences of two.

Every metric is averaged over seeds inside each draw. A draw in which a seed's rows hold one class (or the
metric is otherwise undefined) leaves that seed out of the mean of that draw; a draw with no seed left is
dropped and counted in a note. A metric undefined on the rows themselves is left out and named in a note; one that
can have no interval (uncertainty.py) stands without, and the note says why. Results never hold NaN.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from semeia.evaluation.cells import Cell, Fold, counts, positive_patients
from semeia.evaluation.measures import Measures
from semeia.evaluation.metrics import CARRIED, Values, gain_metrics
from semeia.evaluation.notes import Notes
from semeia.evaluation.resampling import Draws, average_seeds
from semeia.evaluation.statistics.power import detectable_difference
from semeia.evaluation.uncertainty import interval_of

Row = dict[str, str | float | int | None]


@dataclass(frozen=True)
class Scope:
    """Where rows of results speak of: one cohort and stratum of a study's outcome, and its patient draws."""

    study: str
    outcome: str
    cohort: str
    stratum: str
    draws: Draws
    covariate: str | None
    measures: Measures
    carried: bool  # whether there is a cohort to choose thresholds and fit combiners on
    notes: Notes

    def name(self, cell: Cell) -> str:
        """Name a cell in a note."""
        return cell.within(self.outcome, self.cohort, self.stratum)


@dataclass(frozen=True)
class Summarised:
    """One cell within a scope: the seeds that hold more than one class, and their compared metrics in every draw."""

    cell: Cell
    folds: dict[int, Fold]
    draws: dict[int, Values]


def summarise_levels(scope: Scope, cell: Cell, folds: dict[int, Fold]) -> tuple[Summarised, list[Row]]:
    """Every metric of one cell. `folds` holds its rows of the scope, by seed."""
    both = _with_both_classes(scope, cell, folds, "the cell")
    draws = {seed: scope.measures.compared(fold, scope.draws) for seed, fold in both.items()}
    rows: list[Row] = []
    if both:
        _note_absent_classes(scope, cell, both)
        absolute = {seed: scope.measures.absolute(fold, scope.draws) for seed, fold in both.items()}
        for name in next(iter(draws.values())):
            rows += _level(scope, cell, name, {seed: metrics[name] for seed, metrics in draws.items()}, both)
        for name in next(iter(absolute.values())):
            if scope.carried or name not in CARRIED:
                rows += _level(scope, cell, name, {seed: values[name] for seed, values in absolute.items()}, both)
        rows += _gains(scope, cell, both)
    return Summarised(cell, both, draws), rows


def summarise_difference(scope: Scope, one: Summarised, other: Summarised, reference: str) -> list[Row]:
    """Paired differences `one - other`, and the AUROC difference this cohort could have shown."""
    folds, draws = {}, {}
    for seed in one.folds.keys() & other.folds.keys():
        shared, values = _paired(scope, one, other, seed)
        if shared is not None:
            folds[seed], draws[seed] = shared, values
    if not folds:
        scope.notes.add(f"difference from {reference} left out, no seed tests the same units", scope.name(one.cell))
        return []
    rows: list[Row] = []
    names = list(next(iter(draws.values())))
    for name in names:
        mean = average_seeds(np.stack([draws[seed][name] for seed in sorted(draws)]))
        rows += _row(scope, one.cell, name, mean, list(folds.values()), reference)
        if name == names[0] and rows and rows[-1]["low"] is not None:
            value = detectable_difference(scope.draws.error(mean))
            method = "normal approximation: 80% power, two-sided 5%"
            changed = {"metric": f"{name}_detectable_difference", "value": value, "low": None, "high": None}
            rows.append({**rows[-1], **changed, "interval_method": method})
    return rows


def _with_both_classes(scope: Scope, cell: Cell, folds: dict[int, Fold], what: str) -> dict[int, Fold]:
    both = {seed: fold for seed, fold in folds.items() if not fold.one_class()}
    if not both:
        labels = next(iter(folds.values())).label if folds else []
        label = labels[0] if len(labels) else "none"
        scope.notes.add(
            f"{what} left out, its rows are all of one class", f"{scope.name(cell)} (each label is {label})"
        )
    elif len(both) < len(folds):
        lost = len(folds) - len(both)
        scope.notes.add(f"{what}: seeds left out, their rows are all of one class", f"{scope.name(cell)} ({lost})")
    return both


def _note_absent_classes(scope: Scope, cell: Cell, folds: dict[int, Fold]) -> None:
    for number in range(next(iter(folds.values())).classes.shape[1]):
        without = sum(not (fold.label == number).any() for fold in folds.values())
        if without:
            where = "" if without == len(folds) else f" in {without} of {len(folds)} seeds"
            reason = f"class {number} has no rows{where} and enters no average over classes"
            scope.notes.add(reason, scope.name(cell))


def _gains(scope: Scope, cell: Cell, folds: dict[int, Fold]) -> list[Row]:
    if scope.covariate is None or not scope.carried:
        return []
    known = {seed: fold.with_covariate for seed, fold in folds.items()}
    known = _with_both_classes(scope, cell, known, f"gain over {scope.covariate}")
    metrics = {seed: gain_metrics(fold, scope.draws, covariate=scope.covariate) for seed, fold in known.items()}
    rows: list[Row] = []
    for name in next(iter(metrics.values()), {}):
        rows += _level(scope, cell, name, {seed: values[name] for seed, values in metrics.items()}, known)
    return rows


def _level(
    scope: Scope, cell: Cell, name: str, values: dict[int, Float[np.ndarray, "draws"]], folds: dict[int, Fold]
) -> list[Row]:
    # a seed whose metric does not exist on its own rows would enter some draws and not the value.
    defined = [seed for seed in sorted(values) if not np.isnan(values[seed][0])]
    if not defined:
        scope.notes.add(f"{name} left out, it is undefined on these rows", scope.name(cell))
        return []
    if len(defined) < len(values):
        lost = len(values) - len(defined)
        scope.notes.add(f"{name}: seeds left out, it is undefined on their rows", f"{scope.name(cell)} ({lost})")
    mean = average_seeds(np.stack([values[seed] for seed in defined]))
    return _row(scope, cell, name, mean, [folds[seed] for seed in defined], "")


def _row(
    scope: Scope, cell: Cell, name: str, values: Float[np.ndarray, "draws"], folds: list[Fold], reference: str
) -> list[Row]:
    interval = interval_of(scope.draws, values, folds, name, difference=bool(reference))
    undefined = int(np.isnan(scope.draws.drawn(values)).sum())
    if interval.why_none:
        less = f" minus {reference}" if reference else ""
        scope.notes.add(f"no interval, {interval.why_none.removeprefix('none: ')}", f"{name}{less}: {scope.name(cell)}")
    elif undefined and interval.method == scope.draws.words:
        scope.notes.add(f"{name}: draws dropped, it is undefined in them", f"{scope.name(cell)} ({undefined})")
    return [
        {
            "study": scope.study,
            "outcome": scope.outcome,
            "arm": cell.arm,
            "reference": reference,
            "mode": cell.mode,
            "fraction": cell.fraction,
            "cohort": scope.cohort,
            "stratum": scope.stratum,
            "metric": name,
            "value": float(values[0]),
            **interval.columns(),
            **counts(folds),
            "n_positive_patients": positive_patients(folds),
            "seeds": len(folds),
        }
    ]


def _paired(scope: Scope, one: Summarised, other: Summarised, seed: int) -> tuple[Fold | None, Values]:
    """A seed's rows that both predicted, and the difference in every draw; None when of one class."""
    mine, theirs = one.folds[seed], other.folds[seed]
    common, at, there = np.intersect1d(mine.unit, theirs.unit, return_indices=True)
    if len(common) == len(mine.unit) == len(theirs.unit):
        return mine, {name: one.draws[seed][name] - other.draws[seed][name] for name in one.draws[seed]}
    mine, theirs = mine.take(at), theirs.take(there)
    if mine.one_class():
        return None, {}
    scope.notes.add(f"difference from {other.cell.arm} taken on the units both predicted", scope.name(one.cell))
    left, right = (scope.measures.compared(fold, scope.draws) for fold in (mine, theirs))
    return mine, {name: left[name] - right[name] for name in left}
