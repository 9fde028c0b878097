"""The labels of an outcome, laid beside the units."""

import numpy as np
import polars as pl

from semeia.archive.store import Archive
from semeia.errors import InputError
from semeia.views.dataset import PatientData


def labels_of(data: PatientData, archive: Archive, outcome: str) -> np.ndarray:
    """0, 1 or NaN (no label) for each unit.

    Raises:
        InputError: no such outcome, other values than 0 and 1, or only one class among the units.
    """
    if outcome not in archive.outcomes():
        there = ", ".join(archive.outcomes()) or "none"
        raise InputError(f"{archive.path}: no outcome '{outcome}'; it has {there}")
    values = archive.outcome(outcome).select("unit_id", "value")
    beside = data.units.join(values, on="unit_id", how="left", maintain_order="left")["value"]
    labels = beside.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    known = labels[~np.isnan(labels)]
    if not np.isin(known, (0, 1)).all():
        raise InputError(f"{archive.path}: outcome '{outcome}' has other values than 0 and 1; only these can be fitted")
    if len(np.unique(known)) < 2:
        raise InputError(f"{archive.path}: outcome '{outcome}' labels {len(known)} units, not of both classes")
    return labels
