"""Fit, store and apply logistic regression on columns of numbers.

Columns are standardised and missing values filled by the training rows only. The weights are those of the raw columns,
so that principal components, too, end as one linear map.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.special import expit, softmax

from semeia.data.dataset import Dataset
from semeia.data.fingerprint import Fingerprint
from semeia.data.modality import Modality
from semeia.errors import InputError
from semeia.learning.checkpoint import arrays_of, load_described, save_tensors
from semeia.learning.columns import Columns, numbers
from semeia.learning.probe import STRENGTHS, fit_outputs
from semeia.settings_json import to_plain

FILE = "linear.safetensors"
KIND = "linear"
_ARRAYS = {
    "weight": ("columns", "outputs"),
    "bias": ("outputs",),
    "fill": ("columns",),
    "low": ("columns",),
    "high": ("columns",),
}


@dataclass(frozen=True)
class LinearModel:
    """logits = columns @ weight + bias, missing values filled, others held in a range.

    Attributes:
        weight: of the raw columns, [p, output]: one output of two classes, one a class of several.
        fill: what stands for a missing value, [p]: the mean of the training rows.
        low: least value that counts, [p]; a smaller one counts as this.
        high: largest, [p].
        reads: where the columns come from; None where whoever scores brings them.
    """

    columns: tuple[str, ...]
    weight: Float[np.ndarray, "p output"]
    bias: Float[np.ndarray, " output"]
    fill: Float[np.ndarray, " p"]
    low: Float[np.ndarray, " p"]
    high: Float[np.ndarray, " p"]
    fitted_on: Fingerprint
    reads: Columns | None = None

    @property
    def modalities(self) -> dict[str, Modality]:
        """What it reads of units, and how; nothing where only covariates are read."""
        return {} if self.reads is None else self.reads.settings

    def score_columns(self, x: Float[np.ndarray, "n p"]) -> np.ndarray:
        """Probabilities: [n] of the positive class, or [n, class] where there are several."""
        known = np.where(np.isnan(x), self.fill, x).clip(self.low, self.high)
        logits = known @ self.weight + self.bias
        return expit(logits[:, 0]) if logits.shape[1] == 1 else softmax(logits, axis=1)

    def score(self, data: Dataset, rows: np.ndarray, *, hide: tuple[str, ...] = ()) -> np.ndarray:
        """Probabilities of units of a dataset, as `score_columns`; modalities that are hidden count as missing."""
        if self.reads is None:
            raise InputError("this linear model does not say where its columns come from")
        for name in (name for name in self.reads.modalities if name in data.modalities):
            stored, now = self.reads.settings[name], data.modalities[name]
            if stored.key() != now.key():
                raise InputError(f"the model reads {stored.describe()}; the data were read as {now.describe()}")
        return self.score_columns(numbers(data, rows, self.reads, self.columns, hide=hide)[0])

    def save(self, folder: Path) -> None:
        """Write `linear.safetensors`."""
        tensors = {name: torch.from_numpy(np.ascontiguousarray(getattr(self, name))) for name in _ARRAYS}
        reads = {} if self.reads is None else {"reads": to_plain(self.reads.seen_from(folder))}
        about = {"kind": KIND, "columns": list(self.columns), "fitted_on": to_plain(self.fitted_on), **reads}
        save_tensors(folder / FILE, tensors, about)


@dataclass(frozen=True)
class Manifest:
    """What a stored linear model says of itself; see `LinearModel`."""

    columns: tuple[str, ...]
    fitted_on: Fingerprint
    reads: Columns | None = None


def load_linear(path: Path) -> LinearModel:
    """Read a stored model."""
    tensors, manifest = load_described(path, KIND, Manifest, called="a linear one")
    arrays = arrays_of(tensors, _ARRAYS, path=path)
    reads = None if manifest.reads is None else manifest.reads.found_from(path.parent)
    if len(manifest.columns) != len(arrays["fill"]) and (reads is None or not reads.modality):
        raise InputError(f"{path}: damaged: {len(manifest.columns)} columns, {len(arrays['fill'])} weights")
    return LinearModel(columns=manifest.columns, fitted_on=manifest.fitted_on, reads=reads, **arrays)


def fit_logistic_regression(
    x: Float[np.ndarray, "n p"],
    labels: np.ndarray,
    patients: np.ndarray,
    *,
    columns: tuple[str, ...],
    fitted_on: Fingerprint,
    seed: int,
    classes: int = 2,
    strengths: tuple[float, ...] = STRENGTHS,
    hold_range: bool = True,
    scales: Int[np.ndarray, " p"] | None = None,
    balanced: bool = False,
) -> LinearModel:
    """Fit; the strength of the ridge is chosen by cross-validation over the training patients.

    Args:
        x: raw columns, NaN where missing.
        labels: 0 or 1, or 0 to classes - 1.
        strengths: candidates for the inverse strength of the penalty.
        hold_range: a value that no training patient had counts as the nearest they had.
        scales: columns of the same number are divided by the largest spread among them, not each by its own: of
            principal components the ridge then shrinks those most that vary least.
        balanced: whether each class counts the same, however few units it has.
    """
    there = ~np.isnan(x)
    fill = np.where(there, x, 0.0).sum(axis=0) / there.sum(axis=0).clip(min=1)
    filled = np.where(there, x, fill)
    spread = filled.std(axis=0)
    # What the training rows do not vary in says nothing of the label, and must not explode elsewhere.
    shared = spread if scales is None else np.array([spread[scales == scale].max() for scale in scales])
    scale = np.where(spread > 1e-9, shared, np.inf)
    scaled = (filled - fill) / scale
    outputs = fit_outputs(scaled, labels, patients, classes=classes, seed=seed, strengths=strengths, balanced=balanced)
    weight, bias = outputs.weight.T / scale[:, None], outputs.bias
    free = np.full(x.shape[1], np.inf)
    low, high = (filled.min(axis=0), filled.max(axis=0)) if hold_range else (-free, free)
    return LinearModel(columns, weight, bias - fill @ weight, fill, low, high, fitted_on)


def through(
    model: LinearModel, matrix: Float[np.ndarray, "p q"], mean: Float[np.ndarray, " p"], *, columns: tuple[str, ...]
) -> LinearModel:
    """Write a model of (x - mean) @ matrix as one of the raw columns x; where the mean is NaN a column is as it is.

    `matrix` has a single entry, 1, in the row of such a column.
    """
    kept = np.isnan(mean)
    fill = np.where(kept, matrix @ model.fill, mean)
    weight, free = matrix @ model.weight, np.full(len(mean), np.inf)
    bias = model.bias - np.where(kept, 0.0, mean) @ weight
    return replace(model, columns=columns, weight=weight, bias=bias, fill=fill, low=-free, high=free)
