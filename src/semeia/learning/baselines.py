"""The simple models that stand in every table: shortcuts, the human bar, readings, principal components of pixels.

Each is one row of `BASELINES`: which numbers it reads and what it fits to them. All but boosting end as one linear model
(principal components, too: a linear map of pixels), so that they are stored like any other and can score a new archive.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import torch

from semeia.errors import InputError
from semeia.learning.checkpoint import load_tensors, save_tensors
from semeia.learning.probe import Linear, fit_linear
from semeia.views.dataset import PatientData

FILE = "baseline.safetensors"
COMPONENTS = 60


@dataclass(frozen=True)
class Baseline:
    """What a simple model reads and fits.

    Attributes:
        reads: "diameter", "z_extent", "scanner", "opinion", "reading" or "pixels".
        fits: logistic regression, logistic regression on principal components, or gradient boosting.
        says: the arm in words.
    """

    reads: str
    fits: Literal["logistic", "components", "boosting"]
    says: str


BASELINES = {
    "diameter": Baseline("diameter", "logistic", "diameter alone (shortcut)"),
    "z_extent": Baseline("z_extent", "logistic", "extent along the axis alone (shortcut)"),
    "scanner": Baseline("scanner", "logistic", "scanner alone: model, kernel, tube voltage (shortcut)"),
    "human_reader": Baseline("opinion", "logistic", "another reader's malignancy rating (human bar)"),
    "reading_logistic": Baseline("reading", "logistic", "structured reading, logistic regression"),
    "reading_boosting": Baseline("reading", "boosting", "structured reading, gradient boosting"),
    "image_components": Baseline("pixels", "components", "60 principal components of the middle slice, logistic"),
}


def numbers(data: PatientData, rows: np.ndarray, reads: str, names: tuple[str, ...] = ()) -> tuple[np.ndarray, tuple]:
    """Raw columns, [n, column], NaN where missing, and their names.

    Args:
        data: the archive in memory.
        rows: which units.
        reads: see `Baseline`.
        names: columns of a fitted model; scanners it did not know become all zeros.
    """
    units = data.units[rows]
    if reads == "reading":
        return data.readings[rows].astype(float), data.items
    if reads == "pixels":
        middle = np.asarray(data.voxels[rows][:, data.crop.voxels[0] // 2], float) / 255
        return middle.reshape(len(rows), -1), ("pixels",)
    if reads == "scanner":
        labels = [
            f"{column}={value}"
            for column in ("manufacturer", "model", "kernel", "kvp")
            if column in units.columns
            for value in sorted(units[column].drop_nulls().cast(pl.String).unique().to_list())
        ]
        known = names or tuple(labels)
        columns = [known_value(units, label) for label in known]
        return np.stack(columns, 1) if columns else np.zeros((len(rows), 0)), known
    column = {"diameter": "diameter_mm", "z_extent": "z_extent_mm", "opinion": "input_opinion"}[reads]
    if column not in units.columns:
        raise InputError(f"the archive's units have no column {column}: the baseline '{reads}' cannot be computed")
    values = units[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()[:, None]
    return (np.log(values) if reads == "diameter" else values), (column,)


def known_value(units: pl.DataFrame, label: str) -> np.ndarray:
    """1 where a unit's column has the value a label `column=value` names, else 0."""
    column, value = label.split("=", 1)
    if column not in units.columns:
        return np.zeros(units.height)
    return (units[column].cast(pl.String) == value).fill_null(False).to_numpy().astype(float)


Scorer = Callable[[PatientData, np.ndarray], np.ndarray]


def fit_baseline(
    name: str,
    data: PatientData,
    rows: np.ndarray,
    labels: np.ndarray,
    *,
    unlabelled: np.ndarray,
    seed: int,
    folder: Path,
) -> Scorer:
    """Fits a baseline on training units and stores it (boosting excepted); returns what scores other units.

    Args:
        name: of `BASELINES`.
        data: the archive in memory.
        rows: labelled training units.
        labels: 0 or 1.
        unlabelled: all units that may be seen without labels; principal components are fitted on these.
        seed: of folds and solvers.
        folder: where `baseline.safetensors` goes.
    """
    baseline = BASELINES[name]
    patients = data.units["subject_id"].to_numpy()[rows]
    x, names = numbers(data, rows, baseline.reads)
    if baseline.fits == "boosting":
        return _boosting(x, labels, baseline, seed)
    with np.errstate(all="ignore"):
        fill = np.nan_to_num(np.nanmean(x, 0)) if x.shape[1] else np.zeros(0)
    x = np.where(np.isnan(x), fill, x)
    if baseline.fits == "components":
        every, _ = numbers(data, unlabelled, baseline.reads)
        weight, bias = _on_components(x, labels, patients, every, seed)
    else:
        weight, bias = _standardised(x, labels, patients, seed)
    tensors = {"weight": torch.from_numpy(weight), "bias": torch.tensor(bias), "fill": torch.from_numpy(fill)}
    about = {"kind": "baseline", "name": name, "names": list(names), "crop": repr(data.crop)}
    save_tensors(folder / FILE, tensors, about)
    return load_baseline(folder / FILE)


def load_baseline(path: Path) -> Scorer:
    """Reads a stored linear baseline."""
    tensors, about = load_tensors(path)
    reads = BASELINES[about["name"]].reads
    weight, bias, fill = (tensors[key].double().numpy() for key in ("weight", "bias", "fill"))

    def score(data: PatientData, rows: np.ndarray) -> np.ndarray:
        if reads == "pixels" and repr(data.crop) != about["crop"]:
            raise InputError(f"{path.parent}: fitted on crops {about['crop']}, the data were cut as {data.crop}")
        x, _ = numbers(data, rows, reads, tuple(about["names"]))
        return 1 / (1 + np.exp(-(np.where(np.isnan(x), fill, x) @ weight + bias)))

    return score


def _standardised(x: np.ndarray, labels: np.ndarray, patients: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    mean, sd = x.mean(0), np.where(x.std(0) > 1e-9, x.std(0), 1.0)
    strengths = (1.0,) if x.shape[1] <= 1 else (0.01, 0.1, 1.0)
    fitted: Linear = fit_linear((x - mean) / sd, labels, patients, seed=seed, strengths=strengths)
    weight = fitted.weight / sd
    return weight, fitted.bias - float(mean @ weight)


def _on_components(
    x: np.ndarray, labels: np.ndarray, patients: np.ndarray, every: np.ndarray, seed: int
) -> tuple[np.ndarray, float]:
    """Principal components of all pixels that may be seen, logistic regression on their scores, as one linear map."""
    from sklearn.decomposition import PCA

    count = min(COMPONENTS, len(every) - 1, every.shape[1])
    components = PCA(count, svd_solver="randomized", random_state=seed).fit(every)
    weight, bias = _standardised(components.transform(x), labels, patients, seed)
    pixels = components.components_.T @ weight
    return pixels, bias - float(components.mean_ @ pixels)


def _boosting(x: np.ndarray, labels: np.ndarray, baseline: Baseline, seed: int) -> Scorer:
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(max_iter=100, learning_rate=0.05, min_samples_leaf=5, random_state=seed)
    trees.fit(x, labels)

    def score(data: PatientData, rows: np.ndarray) -> np.ndarray:
        return trees.predict_proba(numbers(data, rows, baseline.reads)[0])[:, 1]

    return score
