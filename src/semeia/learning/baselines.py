"""The simple models that stand in every table: shortcuts, the human bar, readings, principal components of pixels.

Each is one row of `BASELINES`: which numbers it reads and what it fits to them. All but boosting end as one linear
model (principal components, too: a linear map of pixels), so that they are stored and can score a new archive.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import torch
from scipy.special import expit, softmax

from semeia.errors import InputError
from semeia.learning.checkpoint import MOST_VOXELS, arrays_of, load_tensors, save_tensors
from semeia.learning.probe import fit_classes, fit_linear
from semeia.settings_json import from_plain, to_plain
from semeia.views.crops import CropSettings
from semeia.views.dataset import PatientData
from semeia.views.fingerprint import Fingerprint, fingerprint
from semeia.views.preprocessing import require_types, types_of

FILE = "baseline.safetensors"


@dataclass(frozen=True)
class Baseline:
    """What a simple model reads and fits.

    Attributes:
        reads: "diameter", "z_extent", "scanner", "opinion", "reading" or "pixels".
        fits: logistic regression, logistic regression on principal components, or gradient boosting.
        says: the arm in words.
        components: how many principal components, where it fits these.
    """

    reads: str
    fits: Literal["logistic", "components", "boosting"]
    says: str
    components: int = 60


BASELINES = {
    "diameter": Baseline("diameter", "logistic", "diameter alone (shortcut)"),
    "z_extent": Baseline("z_extent", "logistic", "extent along the axis alone (shortcut)"),
    "scanner": Baseline("scanner", "logistic", "scanner alone: model, kernel, tube voltage (shortcut)"),
    "human_reader": Baseline("opinion", "logistic", "another reader's malignancy rating (human bar)"),
    "reading_logistic": Baseline("reading", "logistic", "structured reading, logistic regression"),
    "reading_boosting": Baseline("reading", "boosting", "structured reading, gradient boosting"),
    "image_components": Baseline("pixels", "components", "60 principal components of the middle slice, logistic"),
    "picture_components": Baseline("pixels", "components", "150 principal components of the picture, logistic", 150),
}
# Those of the nodule study.
OF_NODULES = tuple(name for name in BASELINES if name != "picture_components")


def numbers(
    data: PatientData, rows: np.ndarray, reads: str, names: tuple[str, ...] = ()
) -> tuple[np.ndarray, tuple[str, ...]]:
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


@dataclass(frozen=True)
class LinearBaseline:
    """A fitted baseline: logits = columns @ weight + bias, missing columns filled with their training mean.

    `weight` is [columns, outputs] and `bias` [outputs]: one output of two classes, one a class of several.
    """

    name: str
    names: tuple[str, ...]
    weight: np.ndarray
    bias: np.ndarray
    fill: np.ndarray
    crop: CropSettings
    fitted_on: Fingerprint
    images: tuple[str, ...] = ()

    def score(self, data: PatientData, rows: np.ndarray) -> np.ndarray:
        """Probabilities: [n] of the positive class, or [n, class] where there are several."""
        reads = BASELINES[self.name].reads
        if reads == "pixels" and data.crop != self.crop:
            raise InputError(f"'{self.name}' was fitted on crops {self.crop}, the data were cut as {data.crop}")
        if reads == "pixels":
            require_types(self.images, data, rows)
        x, names = numbers(data, rows, reads, self.names)
        if reads == "reading" and names != self.names:
            raise InputError(
                f"'{self.name}' reads {', '.join(self.names)}; the archive has {', '.join(names) or 'none'}"
            )
        logits = np.where(np.isnan(x), self.fill, x) @ self.weight + self.bias
        return expit(logits[:, 0]) if logits.shape[1] == 1 else softmax(logits, axis=1)

    def save(self, folder: Path) -> None:
        """Writes `baseline.safetensors`."""
        arrays = {"weight": self.weight, "bias": self.bias, "fill": self.fill}
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        plain = {"name": self.name, "names": list(self.names), "crop": to_plain(self.crop)}
        plain["images"] = list(self.images)
        about = {"kind": "baseline", **plain, "fitted_on": to_plain(self.fitted_on)}
        save_tensors(folder / FILE, tensors, about)


@dataclass(frozen=True)
class Manifest:
    """What a stored baseline says of itself; see `LinearBaseline`."""

    name: str
    names: tuple[str, ...]
    crop: CropSettings
    fitted_on: Fingerprint
    images: tuple[str, ...] = ()  # absent before they were kept


def load_baseline(path: Path) -> LinearBaseline:
    """Reads a stored baseline; refuses damaged files and those that hold something else."""
    tensors, about = load_tensors(path)
    told = {name: value for name, value in about.items() if name in Manifest.__dataclass_fields__}
    try:
        manifest = from_plain(Manifest, told, where="about") if about.get("kind") == "baseline" else None
    except InputError as error:
        raise InputError(f"{path}: its description does not fit this version of Semeia ({error})") from error
    if manifest is None or manifest.name not in BASELINES:
        raise InputError(f"{path}: holds a {about.get('kind')} model, not a baseline")
    shapes = {"weight": ("columns", "outputs"), "bias": ("outputs",), "fill": ("columns",)}
    arrays = arrays_of(tensors, shapes, path=path)
    of_columns = BASELINES[manifest.name].reads != "pixels"
    if of_columns and len(manifest.names) != len(arrays["fill"]):
        raise InputError(f"{path}: damaged: {len(manifest.names)} columns, {len(arrays['fill'])} weights")
    if not of_columns and math.prod(manifest.crop.voxels[1:]) != len(arrays["fill"]):
        raise InputError(f"{path}: damaged: its crop has not as many pixels as it has weights")
    if math.prod(manifest.crop.voxels) > MOST_VOXELS:
        raise InputError(f"{path}: damaged: a crop has more than {MOST_VOXELS} voxels")
    return LinearBaseline(
        name=manifest.name,
        names=manifest.names,
        crop=manifest.crop,
        fitted_on=manifest.fitted_on,
        images=manifest.images,
        weight=arrays["weight"],
        bias=arrays["bias"],
        fill=arrays["fill"],
    )


def score_baseline(
    name: str,
    data: PatientData,
    rows: np.ndarray,
    labels: np.ndarray,
    *,
    unlabelled: np.ndarray,
    test: np.ndarray,
    seed: int,
    folder: Path,
    classes: int = 2,
) -> np.ndarray:
    """Fits a baseline on training units, stores it (boosting excepted: trees would need pickle), scores the test units.

    Args:
        name: of `BASELINES`.
        data: the archive in memory.
        rows: labelled training units.
        labels: 0 or 1, or 0 to classes - 1.
        unlabelled: all units that may be seen without labels; principal components are fitted on these.
        test: units to score.
        seed: of folds and solvers.
        folder: where `baseline.safetensors` goes.
        classes: of the outcome.
    """
    if BASELINES[name].fits == "boosting":
        return _boosting(name, data, rows, labels, test, seed)
    fitted = fit_baseline(name, data, rows, labels, unlabelled=unlabelled, seed=seed, classes=classes)
    fitted.save(folder)
    return fitted.score(data, test)


def fit_baseline(
    name: str,
    data: PatientData,
    rows: np.ndarray,
    labels: np.ndarray,
    *,
    unlabelled: np.ndarray,
    seed: int,
    classes: int = 2,
) -> LinearBaseline:
    """Fits a linear baseline; arguments as in `score_baseline`."""
    baseline = BASELINES[name]
    patients = data.units["subject_id"].to_numpy()[rows]
    x, names = numbers(data, rows, baseline.reads)
    there = ~np.isnan(x)
    fill = np.where(there, x, 0.0).sum(0) / there.sum(0).clip(min=1)
    x = np.where(there, x, fill)
    seen = rows
    if baseline.fits == "components":
        seen = np.union1d(rows, unlabelled)
        every, _ = numbers(data, unlabelled, baseline.reads)
        weight, bias = _on_components(x, labels, patients, every, seed, count=baseline.components, classes=classes)
    else:
        weight, bias = _standardised(x, labels, patients, seed, classes=classes)
    return LinearBaseline(
        name=name,
        names=names,
        weight=weight,
        bias=bias,
        fill=fill,
        crop=data.crop,
        fitted_on=fingerprint(data, seen),
        images=types_of(data, rows) if baseline.reads == "pixels" else (),
    )


def _standardised(
    x: np.ndarray, labels: np.ndarray, patients: np.ndarray, seed: int, *, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weight [columns, outputs] and bias [outputs] of the columns as they are."""
    mean, sd = x.mean(0), np.where(x.std(0) > 1e-9, x.std(0), 1.0)
    strengths = (1.0,) if x.shape[1] <= 1 else (0.01, 0.1, 1.0)
    scaled = (x - mean) / sd
    if classes == 2:
        binary = fit_linear(scaled, labels, patients, seed=seed, strengths=strengths)
        weight, bias = binary.weight[:, None], np.array([binary.bias])
    else:
        several = fit_classes(scaled, labels, patients, classes=classes, seed=seed, strengths=strengths)
        weight, bias = several.weight.T, several.bias
    weight = weight / sd[:, None]
    return weight, bias - mean @ weight


def _on_components(
    x: np.ndarray, labels: np.ndarray, patients: np.ndarray, every: np.ndarray, seed: int, *, count: int, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Principal components of all pixels that may be seen, logistic regression on their scores, as one linear map."""
    from sklearn.decomposition import PCA

    count = min(count, len(every) - 1, every.shape[1])
    components = PCA(count, svd_solver="randomized", random_state=seed).fit(every)
    weight, bias = _standardised(components.transform(x), labels, patients, seed, classes=classes)
    pixels = np.asarray(components.components_).T @ weight
    return pixels, bias - np.asarray(components.mean_) @ pixels


def _boosting(
    name: str, data: PatientData, rows: np.ndarray, labels: np.ndarray, test: np.ndarray, seed: int
) -> np.ndarray:
    from sklearn.ensemble import HistGradientBoostingClassifier

    reads = BASELINES[name].reads
    trees = HistGradientBoostingClassifier(max_iter=100, learning_rate=0.05, min_samples_leaf=5, random_state=seed)
    trees.fit(numbers(data, rows, reads)[0], labels)
    return trees.predict_proba(numbers(data, test, reads)[0])[:, 1]
