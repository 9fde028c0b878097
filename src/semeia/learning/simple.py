"""Fit the simple models that stand in every table: shortcuts, readings, principal components, gradient boosting.

All but boosting end as one linear model, so that they are stored and can score a new archive (trees would need pickle).
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from semeia.data.dataset import Dataset
from semeia.data.fingerprint import fingerprint
from semeia.learning.boosting import fit_boosting
from semeia.learning.columns import Columns, is_image, numbers
from semeia.learning.linear import LinearModel, fit_logistic_regression, through

FEW = (0.01, 0.1, 1.0)
# Of principal components on one scale, the leading one of spread 1: most others are far smaller.
ON_ONE_SCALE = (0.1, 1.0, 10.0, 100.0)
Fits = Literal["logistic", "components", "boosting"]


@dataclass(frozen=True)
class Simple:
    """A simple model.

    Attributes:
        fits: logistic regression; the same with images as their principal components; or gradient boosting.
        components: how many principal components of an image, where it fits these.
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
        unlabelled: all units that may be seen without labels; principal components are fitted on these.
    """
    if simple.fits == "boosting":
        trees = fit_boosting(numbers(data, rows, simple.reads)[0], labels, data.subjects[rows], seed=seed)
        return trees.score(numbers(data, test, simple.reads)[0])
    fitted = fit_simple(simple, data, rows, labels, unlabelled=unlabelled, seed=seed, classes=classes)
    fitted.save(folder)
    return fitted.score(data, test)


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
    reduced = _reduced(simple, data, unlabelled, seed) if simple.fits == "components" else None
    fitted = fit_logistic_regression(
        x if reduced is None else reduced(x),
        labels,
        data.subjects[rows],
        columns=names,
        fitted_on=fingerprint(data, seen),
        seed=seed,
        classes=classes,
        strengths=(1.0,) if x.shape[1] <= 1 else FEW if reduced is None else ON_ONE_SCALE,
        hold_range=False,
        scales=None if reduced is None else reduced.scales,
        balanced=simple.balanced,
    )
    if reduced is not None:
        fitted = through(fitted, reduced.matrix, reduced.mean, columns=names)
    settings = {name: data.modalities[name] for name in simple.reads.modalities}
    return replace(fitted, reads=replace(simple.reads, settings=settings))


@dataclass(frozen=True)
class _Reduced:
    """Raw columns with each image as its principal components: (x - mean) @ matrix, missing images at their mean.

    Attributes:
        matrix: [p, q].
        mean: [p]; NaN in columns that are kept as they are.
        scales: columns of the same number share a scale, [q].
    """

    matrix: Float[np.ndarray, "p q"]
    mean: Float[np.ndarray, " p"]
    scales: Int[np.ndarray, " q"]

    def __call__(self, x: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n q"]:
        kept = np.isnan(self.mean)
        reduced = np.where(kept | np.isnan(x), 0.0, x - self.mean) @ self.matrix
        reduced[:, self.matrix[kept].any(0)] = x[:, kept]
        return reduced


def _reduced(simple: Simple, data: Dataset, unlabelled: np.ndarray, seed: int) -> _Reduced:
    """Fit principal components of every image on units without their labels; other columns stay."""
    from scipy.linalg import block_diag

    matrices, means, scales = [], [], []
    for name in simple.reads.modalities:
        every = numbers(data, unlabelled, Columns(modality=name))[0]
        if is_image(data, name):
            components = _components(every, simple.components, seed)
            matrices.append(np.asarray(components.components_).T)
            means.append(np.asarray(components.mean_))
            scales += [len(scales)] * matrices[-1].shape[1]
        else:
            matrices.append(np.eye(every.shape[1]))
            means.append(np.full(every.shape[1], np.nan))
            scales += range(len(scales), len(scales) + every.shape[1])
    return _Reduced(np.asarray(block_diag(*matrices)), np.concatenate(means), np.array(scales))


def _components(every: np.ndarray, count: int, seed: int):
    from sklearn.decomposition import PCA

    there = every[~np.isnan(every).any(1)]
    return PCA(min(count, len(there) - 1, there.shape[1]), svd_solver="randomized", random_state=seed).fit(there)
