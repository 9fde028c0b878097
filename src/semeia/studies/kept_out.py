"""Who of one's own archive is kept for testing: a fixed split's patients, else one of five folds, nobody seen."""

import numpy as np
import polars as pl

from semeia.archive.split import patient_folds
from semeia.errors import InputError
from semeia.learning.model import Model
from semeia.views.dataset import PatientData

FOLDS = 5


def kept_for_testing(data: PatientData, *, seed: int) -> np.ndarray:
    """Units of the patients set aside: the fixed split's test side (or its val side), else one of five folds."""
    split = data.units["split"].fill_null("").to_numpy()
    for side in ("test", "val"):
        if (split == side).any():
            return split == side
    patients = data.units.select("subject_id", pl.lit("all").alias("stratum")).unique("subject_id")
    if patients.height < FOLDS:
        raise InputError(
            f"the archive has {patients.height} patients; without a fixed split one in {FOLDS} is set aside for "
            f"testing, which takes {FOLDS} patients or more: add patients, or ingest with --split and a column of "
            "train and test"
        )
    folds = patient_folds(patients, folds=FOLDS)
    held = folds.filter(pl.col("fold") == seed % FOLDS)["subject_id"].to_numpy()
    return np.isin(data.units["subject_id"].to_numpy(), held)


def divide(data: PatientData, labels: np.ndarray, *, start: Model | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labelled training and test units. Nobody is tested whom the pretrained encoder has seen."""
    known = ~np.isnan(labels)
    testing = kept_for_testing(data, seed=seed)
    if start is not None:
        seen = start.preprocessing.fitted_on.seen(data)
        fixed = data.units["split"].is_not_null().any()
        overlap = int((seen & testing & known).sum())
        if fixed and overlap:
            raise InputError(f"{overlap} labelled test units are of patients that were pretrained on")
        # Without a fixed split, the encoder's own left-out patients are the test; one from elsewhere has seen nobody.
        testing = testing if fixed or not seen.any() else ~seen
    train, test = np.flatnonzero(known & ~testing), np.flatnonzero(known & testing)
    if not len(test):
        why = "all were pretrained on" if start is not None else "none of the patients set aside has a label"
        raise InputError(f"no labelled patient is left to test on: {why}")
    require_both_classes(data, labels, train)
    return train, test


def require_both_classes(data: PatientData, labels: np.ndarray, rows: np.ndarray) -> None:
    """Refuse fewer than two training patients of a class, with what there is and what to do."""
    subject = data.units["subject_id"].to_numpy()[rows]
    positive = len(np.unique(subject[labels[rows] > 0]))
    negative = len(np.unique(subject)) - positive
    if min(positive, negative) < 2:
        raise InputError(
            f"too few labelled patients to train on: {positive} positive and {negative} negative, beside those set "
            "aside for testing; 2 of each are the least that can be fitted, some tens the least that tell anything. "
            "Label more patients, or leave fewer for testing"
        )
