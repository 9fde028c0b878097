"""The labels of an outcome, laid beside the units."""

import numpy as np
import polars as pl

from semeia.archive.store import Archive
from semeia.errors import InputError
from semeia.views.dataset import PatientData


def labels_of(data: PatientData, archive: Archive, outcome: str, *, classes: int = 2) -> np.ndarray:
    """0, 1, ... or NaN (no label) for each unit.

    Args:
        data: the archive in memory.
        archive: that holds the outcome.
        outcome: its name.
        classes: how many values it may have, counted from 0.

    Raises:
        InputError: no such outcome, other values than these, or only one class among the units.
    """
    if outcome not in archive.outcomes():
        there = ", ".join(archive.outcomes()) or "none"
        raise InputError(f"{archive.path}: no outcome '{outcome}'; it has {there}")
    labels = values_beside(data, archive.outcome(outcome))
    known = labels[~np.isnan(labels)]
    if not np.isin(known, range(classes)).all():
        allowed = "0 and 1" if classes == 2 else f"0 to {classes - 1}"
        values = [f"{value:g}" for value in np.unique(known)]
        there = " and ".join(values) if len(values) == 2 else ", ".join(values[:10])
        raise InputError(
            f"{archive.path}: outcome '{outcome}' has the values {there}, other values than {allowed}; only these can "
            "be fitted: write them so in the table, and ingest it into a new archive"
        )
    if len(np.unique(known)) < 2:
        raise InputError(f"{archive.path}: outcome '{outcome}' labels {len(known)} units, all of one class")
    return labels


def values_beside(data: PatientData, values: pl.DataFrame) -> np.ndarray:
    """The values (unit_id, value) of some units laid beside all of them, NaN where there is none."""
    known = values.select("unit_id", "value")
    beside = data.units.join(known, on="unit_id", how="left", maintain_order="left")["value"]
    return beside.cast(pl.Float64).fill_null(float("nan")).to_numpy()
