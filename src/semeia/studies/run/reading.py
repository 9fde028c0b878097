"""Read the archives of a study as a model reads them, once in a process for every way of reading."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.store import Archive, open_archive
from semeia.data.dataset import Dataset, joined, open_dataset
from semeia.data.modality import Modality
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.evaluation.schema import MOST_CLASSES
from semeia.objectives.task import BINARY, Task
from semeia.studies.run.once import once
from semeia.studies.run.study import Inputs


@once
def read_units(
    inputs: Inputs,
    model: ModelSettings,
    cache: Path | None,
    further: dict[str, Modality],
    outcome: str = "",
    earlier: dt.timedelta = dt.timedelta(0),
) -> Dataset:
    """Read the archive, and the external one after it, by the modalities of a model and some more.

    Args:
        cache: folder for large arrays.
        further: modalities that simple models read, by name.
        outcome: whose units, at their times of prediction; by default all units that anything was observed of.
        earlier: than those times, as if nothing later were known.
    """
    home = open_archive(inputs.archive)
    data = open_dataset(
        home, model.modalities_of(home) | further, cache=cache, units=units_at(home, outcome, earlier=earlier)
    )
    data = replace(data, units=data.units.with_columns(external=pl.lit(False)))
    if inputs.external is None:
        return data
    away = open_archive(inputs.external)
    other = open_dataset(away, data.modalities, cache=cache, units=units_at(away, outcome, earlier=earlier))
    return joined(data, replace(other, units=other.units.with_columns(external=pl.lit(True))))


def units_at(archive: Archive, outcome: str, *, earlier: dt.timedelta = dt.timedelta(0)) -> pl.DataFrame | None:
    """List the units of the kinds that an outcome labels, at or before its time of prediction, or else their own."""
    if not outcome:
        return None
    labels, units = archive.outcome(outcome), archive.table("units")
    asked = labels.select("unit_id", asked="prediction_time", labelled=pl.lit(True))
    units = units.join(asked, on="unit_id", how="left").with_columns(
        pl.coalesce("asked", "time").alias("time") - earlier
    )
    if undated := units.filter("labelled", pl.col("time").is_null()).height:
        raise InputError(f"{archive.path}: {undated} units with a label of '{outcome}' have no date to predict at")
    kinds = units.filter("labelled")["kind"].unique()
    return units.filter(pl.col("kind").is_in(kinds.implode())).drop("asked", "labelled")


def task_of(archive: Archive, outcome: str) -> Task:
    """Two classes, or as many as the archive has, counted from 0 without a gap."""
    values = archive.outcome(outcome)["value"].cast(pl.Float64).drop_nulls().unique().sort().to_list()
    several = 2 < len(values) <= MOST_CLASSES and values == list(range(len(values)))
    return Task("nominal", len(values)) if several else BINARY


def outside_of(data: Dataset) -> np.ndarray:
    """Which units are of the external archive, bool [unit]."""
    return data.units["external"].to_numpy()


def labels_of_both(data: Dataset, inputs: Inputs, outcome: str, *, classes: int = 2) -> np.ndarray:
    """Lay the labels of an outcome beside the units of both archives; see `labels_of`."""
    outside = outside_of(data)
    labels = np.full(len(data), np.nan)
    for path, rows in ((inputs.archive, ~outside), (inputs.external, outside)):
        if path is not None:
            labels[rows] = labels_of(data.units.filter(rows), open_archive(path), outcome, classes=classes)
    return labels


def labels_of(units: pl.DataFrame, archive: Archive, outcome: str, *, classes: int = 2) -> np.ndarray:
    """Lay the labels of an outcome beside an archive's units: 0, 1, ... `classes` - 1, or NaN (no label), [unit]."""
    labels = values_beside(units, archive.outcome(outcome))
    known = labels[~np.isnan(labels)]
    if not np.isin(known, range(classes)).all():
        allowed = "0 and 1" if classes == 2 else f"0 to {classes - 1}"
        raise InputError(
            f"{archive.path}: outcome '{outcome}' has other values than {allowed}; only these can be fitted, or "
            "classes counted from 0 without a gap"
        )
    if len(np.unique(known)) < 2:
        raise InputError(f"{archive.path}: outcome '{outcome}' labels {len(known)} units, all of one class")
    return labels


def values_beside(units: pl.DataFrame, values: pl.DataFrame) -> np.ndarray:
    """Lay the values (unit_id, value) of some units beside all of them, NaN where there is none."""
    beside = units.join(values.select("unit_id", "value"), on="unit_id", how="left", maintain_order="left")["value"]
    return beside.cast(pl.Float64).fill_null(float("nan")).to_numpy()
