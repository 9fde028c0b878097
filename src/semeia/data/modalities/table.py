"""Read a table of items (a structured reading, demographics): one token an item, standardised."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import polars as pl
import torch

from semeia.archive.store import Archive
from semeia.data.modality import Allocate, Arrays, Mask, Modality, Scale, Standardised, standard_scale
from semeia.errors import InputError


@dataclass(frozen=True)
class ItemScale(Scale):
    """The scale of items with names."""

    items: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.items) != len(self.mean):
            raise InputError("a table's items, mean and sd differ in length")


@dataclass(frozen=True)
class Table(Standardised):
    """Numbers with names.

    Attributes:
        source: the reader whose ratings are read.
        fitted: None before `fit`.
    """

    called: ClassVar[str] = "reading"

    source: str = "input"
    type: Literal["table"] = "table"
    fitted: ItemScale | None = None

    @property
    def embedding(self) -> str:
        """One direction an item."""
        return "items"

    @property
    def items(self) -> tuple[str, ...]:
        """Names of the fitted items."""
        return self.known(self.fitted).items

    def find(self, archive: Archive) -> pl.DataFrame:
        """List the units that the reader rated, one column an item, in alphabetical order."""
        readings = archive.table("readings").filter(pl.col("reader") == self.source)
        names = sorted(readings["item"].unique().to_list())
        keys = ["unit_id", "subject_id", "time"]
        return readings.pivot(on="item", index=keys, values="value", aggregate_function="first").select(*keys, *names)

    def read(self, archive: Archive, found: pl.DataFrame, allocate: Allocate) -> Arrays:
        """Take the items as they are, NaN where one is missing."""
        names = tuple(found.columns[3:])
        return self.arrays(found.select(names).to_numpy().astype(np.float32).reshape(found.height, len(names)), names)

    def arrays(self, values: np.ndarray, names: tuple[str, ...] = ()) -> Arrays:
        """Take items from memory, [n, item], NaN where missing."""
        if values.ndim != 2:
            raise InputError(f"a table of shape {values.shape[1:]} a unit: expected its items")
        try:
            values = values.astype(np.float32)
        except (TypeError, ValueError) as error:
            raise InputError("a table holds numbers only; give names and words numbers first") from error
        return Arrays(values, ~np.isnan(values), names or tuple(f"item{k}" for k in range(values.shape[1])))

    def fit(self, arrays: Arrays, chosen: np.ndarray) -> "Table":
        """Fit the scale of each item on the training units."""
        values = np.asarray(arrays.values)[chosen]
        empty = [name for name, column in zip(arrays.names, values.T, strict=True) if np.isnan(column).all()]
        if empty or not arrays.names:
            raise InputError(f"no value of {', '.join(empty) or 'any item'} among the {len(chosen)} training units")
        mean, sd = standard_scale(values, (0,))  # in float32, as models stored so far were fitted
        return replace(self, fitted=ItemScale(tuple(mean.tolist()), tuple(sd.tolist()), arrays.names))

    def prepare(self, arrays: Arrays, chosen: np.ndarray) -> tuple[torch.Tensor, Mask]:
        """Standardise, in the order of the fitted items; what the data lack is missing."""
        scale = self.known(self.fitted)
        scaled = scale(arrays.named(scale.items, chosen))
        return torch.from_numpy(scaled), torch.from_numpy(~np.isnan(scaled))

    def require_same(self, other: Modality, arrays: Arrays) -> None:
        """Refuse a table that has none of the fitted items."""
        if arrays.names and not set(arrays.names) & set(self.items):
            words = f"the data have none of these but {', '.join(arrays.names)}"
            raise InputError(f"the model reads {', '.join(self.items)}; {words}")
