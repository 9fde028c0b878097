"""Fit the simple models that stand in every table: shortcuts, readings, principal components, gradient boosting.

All but boosting end as one linear model, so that they are stored and can score a new archive (trees would need pickle).
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from semeia.data.dataset import Dataset
from semeia.data.fingerprint import fingerprint
from semeia.learning.boosting import fit_boosting
from semeia.learning.columns import Columns, numbers
from semeia.learning.linear import LinearModel, fit_logistic_regression, through

FEW = (0.01, 0.1, 1.0)
# Of principal components on one scale, the leading one of spread 1: most others are far smaller.
ON_ONE_SCALE = (0.1, 1.0, 10.0, 100.0)
Fits = Literal["logistic", "components", "boosting"]


@dataclass(frozen=True)
class Simple:
    """A simple model.

    Attributes:
        reads: its columns.
        fits: logistic regression, logistic regression on principal components, or gradient boosting.
        components: how many principal components, where it fits these.
        balanced: whether each class counts the same, however few labels it has (logistic regression).
    """

    reads: Columns
    fits: Fits = "logistic"
    components: int = 60
    balanced: bool = False


def score_simple(
    simple: Simple,
    data: Dataset,
    rows: np.ndarray,
    labels: np.ndarray,
    *,
    unlabelled: np.ndarray,
    test: np.ndarray,
    seed: int,
    folder: Path,
    classes: int = 2,
) -> np.ndarray:
    """Fit on training units, store what can be stored, score the test units: [test], or [test, class].

    Args:
        simple: what is fitted.
        data: units with their observations.
        rows: labelled training units.
        labels: 0 or 1, or 0 to classes - 1.
        unlabelled: all units that may be seen without labels; principal components are fitted on these.
        test: units to score.
        seed: of folds and solvers.
        folder: where `linear.safetensors` goes.
        classes: of the outcome.
    """
    if simple.fits == "boosting":
        trees = fit_boosting(numbers(data, rows, simple.reads)[0], labels, data.subjects[rows], seed=seed)
        return trees.score(numbers(data, test, simple.reads)[0])
    fitted = fit_simple(simple, data, rows, labels, unlabelled=unlabelled, seed=seed, classes=classes)
    fitted.save(folder)
    return fitted.score_units(data, test)


def fit_simple(
    simple: Simple,
    data: Dataset,
    rows: np.ndarray,
    labels: np.ndarray,
    *,
    unlabelled: np.ndarray,
    seed: int,
    classes: int = 2,
) -> LinearModel:
    """Fit a linear one; arguments as in `score_simple`."""
    x, names = numbers(data, rows, simple.reads)
    # Components, and signatures that are read, have seen those without labels, too.
    fitted_before = simple.fits == "components" or any(
        data.modalities[name].files() for name in simple.reads.modalities
    )
    seen = np.union1d(rows, unlabelled) if fitted_before else rows
    components = None
    if simple.fits == "components":
        components = _components(numbers(data, unlabelled, simple.reads)[0], simple.components, seed)
        x, names = components.transform(np.where(np.isnan(x), components.mean_, x)), names
    fitted = fit_logistic_regression(
        x,
        labels,
        data.subjects[rows],
        columns=names,
        fitted_on=fingerprint(data, seen),
        seed=seed,
        classes=classes,
        strengths=(1.0,) if x.shape[1] <= 1 else FEW if components is None else ON_ONE_SCALE,
        hold_range=False,
        one_scale=components is not None,
        balanced=simple.balanced,
    )
    if components is not None:
        fitted = replace(
            through(fitted, np.asarray(components.components_), np.asarray(components.mean_)), columns=names
        )
    settings = {name: data.modalities[name] for name in simple.reads.modalities}
    return replace(fitted, reads=replace(simple.reads, settings=settings))


def _components(every: np.ndarray, count: int, seed: int):
    from sklearn.decomposition import PCA

    there = every[~np.isnan(every).any(1)]
    return PCA(min(count, len(there) - 1, there.shape[1]), svd_solver="randomized", random_state=seed).fit(there)
