"""Divide patients into folds and label subsets, whole patients only.

Every function is stratified, and a pure function of its arguments: the order of the rows does not matter, the
order of the subject ids does.
"""

import numpy as np
import polars as pl

from semeia.errors import InputError


def patient_folds(subjects: pl.DataFrame, *, folds: int = 5, seed: int = 0) -> pl.DataFrame:
    """Deal patients into folds, stratum by stratum, round robin after a seeded shuffle.

    Args:
        subjects: Columns subject_id and stratum (any type, may be empty), one row a patient.

    Returns:
        Columns subject_id and fold (0 to folds - 1), by subject_id. Folds differ by at most one patient.

    Raises:
        InputError: Fewer than two folds, fewer patients than folds, or a patient twice.
    """
    if folds < 2:
        raise InputError(f"folds is {folds}; patients are divided into 2 or more.")
    if subjects.height < folds:
        raise InputError(
            f"{subjects.height} patients are too few: they are divided into {folds} parts, so at least {folds} "
            "patients are needed; ingest more, or give each a fixed split (train, val, test) in their table."
        )
    if subjects["subject_id"].n_unique() != subjects.height:
        raise InputError("the table of subjects names a patient twice; folds need one row a patient.")
    rng = np.random.default_rng(seed)
    ids: list[int] = []
    for _, members in _strata(subjects, "stratum"):
        ids.extend(int(subject) for subject in rng.permutation(members))
    dealt = pl.DataFrame({"subject_id": ids, "fold": [place % folds for place in range(len(ids))]})
    return dealt.cast({"subject_id": pl.Int64, "fold": pl.Int64}).sort("subject_id")


def label_subset(labels: pl.DataFrame, fraction: float | int, *, seed: int, minimum: int = 2) -> list[int]:
    """Choose a share of the labelled patients of each class. A smaller fraction is a subset of a larger one.

    Args:
        labels: Columns unit_id, subject_id, value. A patient's class is the highest of the units'. A class that units
            have and no patient (every patient has a slice with a tumour, and slices without) comes with the others.

    Returns:
        Sorted subject ids.

    Raises:
        InputError: The fraction is out of range, or a class has fewer than `minimum` patients.
    """
    if not 0 < fraction <= 1:
        raise InputError(f"fraction is {fraction}; it must lie above 0 and not above 1.")
    chosen: list[int] = []
    of_units = {int(value) for value in labels["value"].unique()}
    for value, (name, members) in enumerate(_classes(labels, seed).items()):
        if not members and value in of_units:
            continue
        if len(members) < minimum:
            raise InputError(
                f"of the patients to train on, {len(members)} are labelled {name}, and at least {minimum} are needed; "
                "those kept for testing do not count: label more, or give a fixed split."
            )
        chosen += members[: max(minimum, round(fraction * len(members)))]
    return sorted(chosen)


def _classes(labels: pl.DataFrame, seed: int) -> dict[str, list[int]]:
    """Shuffled patients of each class, that of a patient being the highest of its units; each class has its own stream
    of random numbers."""
    patients = labels.group_by("subject_id").agg(pl.col("value").max().cast(pl.Int64).alias("class"))
    highest = max(int(patients["class"].max() or 0), 1)  # pyright: ignore[reportArgumentType]
    names = ("negative", "positive") if highest == 1 else tuple(f"class {value}" for value in range(highest + 1))
    shuffled = {}
    for value, name in enumerate(names):
        members = patients.filter(pl.col("class") == value)["subject_id"].sort().to_numpy()
        rng = np.random.default_rng([seed, value])
        shuffled[name] = [int(subject) for subject in rng.permutation(members)]
    return shuffled


def _strata(subjects: pl.DataFrame, column: str) -> list[tuple[str, np.ndarray]]:
    """Sorted strata with their sorted members; the empty stratum counts as one."""
    named = subjects.with_columns(pl.col(column).cast(pl.String).fill_null("").alias(column))
    groups = named.sort(column, "subject_id").partition_by(column, maintain_order=True)
    return [(str(group[column][0]), group["subject_id"].to_numpy()) for group in groups]
