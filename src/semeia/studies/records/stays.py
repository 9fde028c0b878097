"""The stays of an archive of records: one row a patient with hospital, label and the time of the prediction.

Hospitals, whole, are dealt to the inside and the outside here.
"""

import numpy as np
import polars as pl

from semeia.archive.store import Archive
from semeia.errors import InputError

YEAR = pl.duration(hours=365.25 * 24)


def stays_of(archive: Archive, outcome: str, *, to_fit: bool = True) -> pl.DataFrame:
    """The first stay of each patient, in the order of the patients.

    Args:
        outcome: 0 or 1 at a time of prediction; stays without one are not labelled.
        to_fit: whether both classes are needed.

    Returns:
        row, unit_id, subject_id, pseudonym, site, sex, age (years, at the time of the prediction), label (null: none),
        time (of the prediction; null without a label), then the covariates of the units.
    """
    units = archive.table("units").filter(pl.col("kind") == "stay")
    if units.is_empty():
        raise InputError(f"{archive.path}: holds no stays; ingest them with 'semeia ingest table'.")
    first = units.sort("subject_id", "time", "unit_id").unique("subject_id", keep="first", maintain_order=True)
    labels = archive.outcome(outcome).select("unit_id", pl.col("value").alias("label"), time="prediction_time")
    people = archive.table("subjects").select("subject_id", "pseudonym", "site", "sex", "birth")
    table = (
        first.drop("kind", "time", "region")
        .join(labels, on="unit_id", how="left", maintain_order="left")
        .join(people, on="subject_id", how="left", maintain_order="left")
        .with_columns(age=(pl.col("time") - pl.col("birth").cast(pl.Datetime("us"))) / YEAR)
        .drop("birth")
        .with_row_index("row")
    )
    _check(table.drop_nulls("label"), where=f"{archive.path}: outcome '{outcome}'", to_fit=to_fit)
    ours = ("row", "unit_id", "subject_id", "pseudonym", "site", "sex", "age", "label", "time")
    return table.select(*ours, pl.exclude(*ours))


def hospitals_inside(stays: pl.DataFrame, *, share: float, seed: int) -> list[str]:
    """Whole hospitals, drawn whatever the labels until they have about a share (0 to 1) of the stays of a known one."""
    sizes = stays.drop_nulls("site").group_by("site").len().sort("site")
    if sizes.height < 2:
        raise InputError(f"the stays are of {sizes.height} hospital(s); inside and outside need at least two.")
    drawn = sizes[np.random.default_rng(seed).permutation(sizes.height)]
    reached = drawn["len"].cum_sum().to_numpy()
    nearest = int(np.abs(reached - share * reached[-1]).argmin()) + 1
    return sorted(drawn["site"].head(min(nearest, sizes.height - 1)))


def _check(labelled: pl.DataFrame, *, where: str, to_fit: bool) -> None:
    if not labelled["label"].is_in([0.0, 1.0]).all():
        raise InputError(f"{where} has other values than 0 and 1; only these can be fitted")
    if to_fit and labelled["label"].n_unique() < 2:
        raise InputError(f"{where} labels {labelled.height} stays, not of both classes")
    if labelled["time"].null_count():
        raise InputError(f"{where}: {labelled['time'].null_count()} labels have no prediction_time")
