"""Make a table of predictions: labels, cohorts, columns in their order; one row a patient where that is asked."""

import numpy as np
import polars as pl

from semeia.archive.store import Archive
from semeia.errors import InputError
from semeia.learning.stored import Choice

KEPT_OUT = {"subject_id", "pseudonym", "site", "unit_id", "kind", "time", "region", "split", "input_opinion"}


def home_sites(units: pl.DataFrame, seen: np.ndarray) -> list[str]:
    """The sites of an archive that patients come from on whom a model was fitted; "" where a site has no name."""
    return units.filter(seen)["site"].fill_null("").unique().to_list()


def predictions_of(
    table: pl.DataFrame, choice: Choice, *, study: str, outcome: str | None, seed: int, home: list[str]
) -> pl.DataFrame:
    """Put the columns of scored, labelled units into their order, then the covariates; for `home` see `home_sites`."""
    inside = pl.col("site").fill_null("").is_in(home)  # whoever is tested there
    named = {"arm": choice.arm, "mode": choice.mode, "fraction": choice.fraction, "seed": seed}
    full = table.with_columns(
        pl.lit(study).alias("study"),
        pl.lit(outcome or "none").alias("outcome"),
        *(pl.lit(value).alias(name) for name, value in named.items()),
        pl.when(inside).then(pl.lit("internal")).otherwise(pl.lit("external")).alias("cohort"),
        pl.col("pseudonym").alias("subject_id"),
    )
    scores = [name for name in table.columns if name == "score" or name.startswith("score_")]
    first = ["study", "outcome", *named, "cohort", "site", "subject_id", "unit_id", "label", *scores]
    return full.select(*first, *(name for name in table.columns if name not in KEPT_OUT | set(first)))


def score_columns(scores: np.ndarray) -> dict[str, np.ndarray]:
    """Scores, [n] or [n, class], by the names of their columns."""
    return {"score": scores} if scores.ndim == 1 else {f"score_{k}": chance for k, chance in enumerate(scores.T)}


def with_labels(archive: Archive, table: pl.DataFrame, outcome: str | None, *, units: pl.DataFrame) -> pl.DataFrame:
    """Adds `label`, null where unknown; an outcome of patients reduces the table to one row a patient.

    The covariates of a patient are those of all its `units`, whatever an arm scored highest: the largest number, and a
    word where there is only one.
    """
    if outcome is None or outcome not in archive.outcomes():
        return table.with_columns(pl.lit(None, pl.Int64).alias("label"))
    values = archive.outcome(outcome).select("unit_id", "subject_id", "value")
    classes = max(sum(name.startswith("score_") for name in table.columns), 2)
    if not values["value"].is_in([float(value) for value in range(classes)]).all():
        raise InputError(
            f"{archive.path}: outcome '{outcome}' has other values than 0 to {classes - 1}; name another with --outcome"
        )
    labels = values.select("unit_id", "subject_id", pl.col("value").cast(pl.Int64).alias("label"))
    whole = archive.table("units").filter(pl.col("kind") == "patient")["unit_id"]
    of_units = labels["unit_id"].is_in(table["unit_id"].implode()) | ~labels["unit_id"].is_in(whole.implode())
    if of_units.any():
        return table.join(labels.drop("subject_id"), on="unit_id", how="left", maintain_order="left")
    if classes > 2:
        raise InputError(
            f"{archive.path}: '{outcome}' is of whole patients; of several classes only units can be scored"
        )
    highest = table.group_by("subject_id").agg(pl.col("score").max())
    deciding = highest.join(of_patients(units), on="subject_id").join(labels, on="subject_id").sort("subject_id")
    if deciding.is_empty():
        raise InputError(f"no scored unit has an outcome '{outcome}'")
    return deciding


def of_patients(units: pl.DataFrame) -> pl.DataFrame:
    """One row a patient: pseudonym, site, and of each covariate the largest number, or the only word."""
    own = ("subject_id", "unit_id", "kind", "time", "region")
    kinds = {name: kind for name, kind in units.schema.items() if name not in own}
    words = [
        pl.when(pl.col(name).drop_nulls().n_unique() == 1).then(pl.col(name).drop_nulls().first()).alias(name)
        for name, kind in kinds.items()
        if not kind.is_numeric()
    ]
    return units.group_by("subject_id").agg(
        *(pl.col(n).max() for n, kind in kinds.items() if kind.is_numeric()), *words
    )
