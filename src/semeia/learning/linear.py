"""Logistic regression on columns of numbers: raw columns go in, a stored linear model and probabilities come out.

Columns are standardised and missing values filled by the training rows only, and nothing is carried on beyond their
range: a value that no training patient had counts as the nearest they had. The weights are those of the raw columns.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from semeia.errors import InputError
from semeia.learning.checkpoint import arrays_of, load_tensors, save_tensors
from semeia.learning.probe import fit_linear
from semeia.settings_json import from_plain

FILE = "linear.safetensors"
KIND = "linear"


@dataclass(frozen=True)
class LinearModel:
    """logit = columns @ weight + bias, missing values filled and others held in the range of the training rows.

    Attributes:
        columns: what the columns are.
        weight: of the raw columns, [p].
        bias: the rest.
        fill: what stands for a missing value, [p]: the mean of the training rows.
        low: least value of the training rows, [p].
        high: their largest, [p].
        fitted_on: marks of the patients whose labels it was fitted to (archive/keys.py).
    """

    columns: tuple[str, ...]
    weight: Float[np.ndarray, " p"]
    bias: float
    fill: Float[np.ndarray, " p"]
    low: Float[np.ndarray, " p"]
    high: Float[np.ndarray, " p"]
    fitted_on: tuple[str, ...]

    def score(self, x: Float[np.ndarray, "n p"]) -> Float[np.ndarray, " n"]:
        """Probabilities."""
        known = np.where(np.isnan(x), self.fill, x).clip(self.low, self.high)
        return 1 / (1 + np.exp(-(known @ self.weight + self.bias)))

    def save(self, folder: Path) -> None:
        """Writes `linear.safetensors`."""
        tensors = {name: torch.from_numpy(getattr(self, name)) for name in _ARRAYS}
        about = {"kind": KIND, "columns": list(self.columns), "bias": self.bias, "fitted_on": list(self.fitted_on)}
        save_tensors(folder / FILE, tensors, about)


@dataclass(frozen=True)
class Manifest:
    """What a stored linear model says of itself; see `LinearModel`."""

    columns: tuple[str, ...]
    bias: float
    fitted_on: tuple[str, ...]


_ARRAYS = ("weight", "fill", "low", "high")


def load_linear(path: Path) -> LinearModel:
    """Reads a stored model.

    Raises:
        InputError: the file is damaged or holds something else.
    """
    tensors, about = load_tensors(path)
    if about.get("kind") != KIND:
        raise InputError(f"{path}: holds a {about.get('kind')} model, not a linear one")
    told = {name: value for name, value in about.items() if name in Manifest.__dataclass_fields__}
    try:
        manifest = from_plain(Manifest, told, where="about")
    except InputError as error:
        raise InputError(f"{path}: its description does not fit this version of Semeia ({error})") from error
    arrays = arrays_of(tensors, dict.fromkeys(_ARRAYS, ("columns",)), path=path)
    if len(manifest.columns) != len(arrays["weight"]):
        raise InputError(f"{path}: damaged: {len(manifest.columns)} columns, {len(arrays['weight'])} weights")
    return LinearModel(columns=manifest.columns, bias=manifest.bias, fitted_on=manifest.fitted_on, **arrays)


def fit_logistic_regression(
    x: Float[np.ndarray, "n p"],
    labels: np.ndarray,
    patients: np.ndarray,
    *,
    columns: tuple[str, ...],
    fitted_on: tuple[str, ...],
    seed: int,
) -> LinearModel:
    """Fits; the strength of the ridge is chosen by cross-validation over the training patients.

    Args:
        x: raw columns, NaN where missing.
        labels: 0 or 1.
        patients: whose each row is.
        columns: names of the columns.
        fitted_on: marks of the patients.
        seed: of the folds.
    """
    there = ~np.isnan(x)
    fill = np.where(there, x, 0.0).sum(axis=0) / there.sum(axis=0).clip(min=1)
    filled = np.where(there, x, fill)
    spread = filled.std(axis=0)
    # What the training rows do not vary in says nothing of the label, and must not explode elsewhere.
    scale = np.where(spread > 1e-9, spread, np.inf)
    fitted = fit_linear((filled - fill) / scale, labels, patients, seed=seed)
    weight = fitted.weight / scale
    return LinearModel(
        columns=columns,
        weight=weight,
        bias=fitted.bias - float(fill @ weight),
        fill=fill,
        low=filled.min(axis=0),
        high=filled.max(axis=0),
        fitted_on=fitted_on,
    )
