"""Place units before and after the shift of their fused feature: two principal components, as a table."""

import numpy as np
import polars as pl

from semeia.data.dataset import Dataset
from semeia.errors import InputError
from semeia.learning.model import Model
from semeia.objectives.heads.fused import FusedHead
from semeia.studies.run.embedding import components

BEFORE = "fused"


def shift_map(model: Model, data: Dataset, *, fitted: np.ndarray, shown: np.ndarray) -> pl.DataFrame:
    """Take the fused feature of units, and the same shifted by each modality, to one plane.

    Args:
        model: fine-tuned with a fusion.
        data: units with their observations.
        fitted: training units, by whose fused features the components are fitted.
        shown: units that are placed.

    Returns:
        unit_id, feature ("fused", or the modality that shifts it), x, y; a modality that a unit lacks has no row.

    Raises:
        InputError: the model has no fusion.
    """
    head = model.head
    if not isinstance(head, FusedHead):
        raise InputError("a shift is of a model that was fine-tuned with supervised.fusion; this one has none")
    (before, _), (after, there) = (_shifted(model, head, data, rows) for rows in (fitted, shown))
    places, _ = components(before[:, 0], after.reshape(-1, after.shape[2]))
    units = data.units["unit_id"].gather(shown).to_list()
    names = (BEFORE, *model.encoder.kinds)
    table = pl.DataFrame(
        {
            "unit_id": np.repeat(units, len(names)),
            "feature": list(names) * len(units),
            "x": places[:, 0],
            "y": places[:, 1],
            "there": there.ravel(),
        }
    )
    return table.filter("there").drop("there")


def _shifted(model: Model, head: FusedHead, data: Dataset, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features [unit, 1 + modality, dim], and which of them there are."""
    pooled, there = model.pooled(data, rows, cells=head.cells)
    return head.shifted(pooled, there).double().numpy(), there.roll(1, 1).numpy()
