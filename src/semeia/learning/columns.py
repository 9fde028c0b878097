"""Read units as columns of numbers, for simple models: covariates, a table, or the pixels of an image."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from semeia.data.dataset import Dataset
from semeia.data.modality import Modality
from semeia.errors import InputError


@dataclass(frozen=True)
class Columns:
    """What a simple model reads.

    Attributes:
        covariates: columns of the units.
        modality: or the values of a modality's newest observation (of an image, its middle plane), and
        others: of further modalities beside it.
        log: whether covariates enter as logarithms.
        categories: whether covariates are names, one column a value.
        settings: how the modality is read; a stored model keeps them.
    """

    covariates: tuple[str, ...] = ()
    modality: str = ""
    others: tuple[str, ...] = ()
    log: bool = False
    categories: bool = False
    settings: dict[str, Modality] = field(default_factory=dict)

    @classmethod
    def of(cls, modalities: tuple[str, ...]) -> "Columns":
        """Read the values of some modalities side by side."""
        return cls(modality=modalities[0], others=modalities[1:])

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities it reads."""
        return (self.modality, *self.others) if self.modality else ()

    def seen_from(self, folder: Path) -> "Columns":
        """Name files that modalities are read with relative to a folder."""
        return replace(self, settings={name: one.seen_from(folder) for name, one in self.settings.items()})

    def found_from(self, folder: Path) -> "Columns":
        """Name them as they stand."""
        return replace(self, settings={name: one.found_from(folder) for name, one in self.settings.items()})


def numbers(
    data: Dataset, rows: np.ndarray, columns: Columns, names: tuple[str, ...] = (), *, hide: tuple[str, ...] = ()
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read raw columns, float64 [n, column], NaN where missing, and their names.

    `names` are the columns of a fitted model: categories it did not know become all zeros. What `hide` names counts as
    missing.
    """
    units = data.units[rows]
    if columns.modality:
        return _of_modalities(data, rows, columns.modalities, names, hide)
    missing = [name for name in columns.covariates if name not in units.columns]
    if columns.categories:
        known = names or tuple(
            f"{name}={value}"
            for name in columns.covariates
            if name not in missing
            for value in sorted(units[name].drop_nulls().cast(pl.String).unique().to_list())
        )
        shares = [_category(units, label) for label in known]
        return (np.stack(shares, 1) if shares else np.zeros((len(rows), 0))), known
    if missing:
        raise InputError(f"the archive's units have no column {', '.join(missing)}: it cannot be read")
    values = units.select(pl.col(columns.covariates).cast(pl.Float64).fill_null(float("nan"))).to_numpy()
    return (np.log(values) if columns.log else values), columns.covariates


def _category(units: pl.DataFrame, label: str) -> np.ndarray:
    """1 where a unit's column has the value that a label `column=value` names, else 0."""
    column, value = label.split("=", 1)
    if column not in units.columns:
        return np.zeros(units.height)
    return (units[column].cast(pl.String) == value).fill_null(False).to_numpy().astype(float)


def _of_modalities(
    data: Dataset, rows: np.ndarray, modalities: tuple[str, ...], names: tuple[str, ...], hide: tuple[str, ...]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read the newest values of each modality, side by side."""
    parts = [_of_modality(data, rows, name) for name in modalities]
    for name, (table, _) in zip(modalities, parts, strict=True):
        if name in hide:
            table[:] = np.nan
    own = tuple(column for _, part in parts for column in part)
    if names and own != names:
        raise InputError(f"the model reads {', '.join(names)}; the archive has {', '.join(own) or 'none'}")
    return np.concatenate([table for table, _ in parts], 1), own


def is_image(data: Dataset, name: str) -> bool:
    """Whether a modality holds arrays of planes, rows and columns."""
    return name in data.observations and data.observations[name].arrays.values.ndim == 5


def _of_modality(data: Dataset, rows: np.ndarray, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    if name not in data.observations or not len(data.observations[name].arrays):
        raise InputError(f"the data have no '{name}'")
    observed = data.observations[name]
    slot = observed.slot[rows, 0]
    values = observed.arrays.values[slot.clip(0)]
    if is_image(data, name):
        values = values[:, :, values.shape[2] // 2]
    scale = 255 if values.dtype == np.uint8 else 1
    table = np.asarray(values, float).reshape(len(rows), -1) / scale
    table[slot < 0] = np.nan
    return table, observed.arrays.names or (name,)
