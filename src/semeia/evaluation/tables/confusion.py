"""What is called what: the table "confusion" of every outcome of several classes.

A cell in which one to nine patients stand is suppressed; where its numbers would follow from the other cells of the
true class, some of these stand without their counts (suppression.py). A cell in which nobody stands hides nobody.
"""

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from semeia.evaluation.cells import Cell, Fold
from semeia.evaluation.judged import Judged, Place
from semeia.evaluation.resampling import Draws
from semeia.evaluation.shapes import Squares, Weights
from semeia.evaluation.statistics.group_sums import ratio
from semeia.evaluation.statistics.multiclass import called_class, confusion_draws
from semeia.evaluation.tables.across_seeds import across_seeds, mostly_defined, pooled
from semeia.evaluation.tables.columns import TABLES, Row, place_columns
from semeia.evaluation.tables.suppression import SHOWN, SUPPRESSED, suppress
from semeia.evaluation.uncertainty import interval_of


def confusion(judged: Judged) -> pl.DataFrame:
    """The table "confusion": for each class that has rows, a row for each class it may be called.

    `share` is that among the units of the true class (`label`); `count` is of units, `n_patients` of patients in the
    cell, both means where several seeds predict the same units; `state` is as in suppression.py.
    """
    models = [(place, cell, folds) for place in judged.places for cell, folds in place.full.items()]
    return pl.DataFrame([row for model in models for row in _rows(judged, *model)], schema=TABLES["confusion"])


def _rows(judged: Judged, place: Place, cell: Cell, folds: dict[int, Fold]) -> list[Row]:
    counts, patients = _counts(folds, place.draws), _patients(folds)
    rows: list[Row] = []
    for label in np.flatnonzero(patients.any(axis=1)):
        states = np.full(len(patients), SHOWN, dtype=object)
        present = patients[label] > 0
        states[present] = suppress(patients[label][present][:, None])
        share = ratio(counts[:, label], counts[:, label].sum(axis=1, keepdims=True))
        for called, state in enumerate(states):
            own: Row = {"label": int(label), "called": called, "state": state}
            values = share[:, called]
            if state != SUPPRESSED:
                own["share"] = float(values[0])
            # a share of 0, or of a class that is missing from too many draws, has no interval.
            if state != SUPPRESSED and values[0] > 0 and mostly_defined(values, place.draws):
                own |= interval_of(place.draws, values, folds.values(), f"recall_{label}").columns()
            if state == SHOWN:
                own |= {"count": float(counts[0, label, called]), "n_patients": int(patients[label, called])}
            rows.append(place_columns(place, cell) | own)
    hidden = sum(row["state"] == SUPPRESSED for row in rows)
    if hidden:
        why = "cells of the confusion matrix hidden, few patients stand in them"
        judged.notes.add(why, f"{place.name(cell)} ({hidden})")
    return rows


def _counts(folds: dict[int, Fold], draws: Draws) -> Squares:
    """Units in each cell in every draw."""
    k = next(iter(folds.values())).classes.shape[1]

    def cells(fold: Fold, weights: Weights) -> Float[np.ndarray, "draws cells"]:
        return confusion_draws(fold.label, called_class(fold.classes), weights, classes=k).reshape(-1, k * k)

    return across_seeds(pooled(folds), draws, cells).reshape(-1, k, k)


def _patients(folds: dict[int, Fold]) -> Int[np.ndarray, "k k"]:
    """Patients in each cell; where several seeds predict the same units their mean, rounded down but not to 0."""
    k, each = next(iter(folds.values())).classes.shape[1], []
    for fold in pooled(folds).values():
        cell = fold.label.astype(np.int64) * k + called_class(fold.classes)
        once = np.unique(np.column_stack([cell, fold.patient]), axis=0)
        each.append(np.bincount(once[:, 0], minlength=k * k).reshape(k, k))
    return np.maximum(np.mean(each, axis=0), np.any(each, axis=0)).astype(np.int64)
