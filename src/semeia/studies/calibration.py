"""Keep with an exported model how its scores become probabilities, by the internal patients that its run tested."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.small_file import read_object
from semeia.errors import InputError
from semeia.evaluation import read_predictions
from semeia.evaluation.statistics.recalibration import LogisticRule, fit_recalibration, moved
from semeia.learning.stored import Choice
from semeia.settings_json import from_plain

FILE = "calibration.json"
FEWEST = 20  # tested units of either class


@dataclass(frozen=True)
class Calibration:
    """New log-odds = intercept + slope * log-odds (logistic recalibration, Cox 1958), and what it was fitted on.

    Attributes:
        intercept, slope: of the log-odds; the slope is above 0, so that no two patients change places.
        units: tested ones, each with the mean score of the seeds that tested it.
    """

    intercept: float
    slope: float
    units: int
    positive: int
    patients: int

    def __post_init__(self) -> None:
        if not (np.isfinite([self.intercept, self.slope]).all() and self.slope > 0):
            raise InputError("a calibration's intercept and slope must be finite, the slope above 0")

    def __call__(self, score: float) -> float:
        """Calibrate one score."""
        return float(moved(np.array([score]), intercept=self.intercept, slope=self.slope)[0])

    def describe(self) -> str:
        """Say on whom it was fitted."""
        return (
            f"logistic recalibration, slope {self.slope:.2f} and intercept {self.intercept:.2f}, fitted on {self.units}"
            f" units ({self.positive} with the outcome) of {self.patients} internal patients that the run tested; "
            "elsewhere it may be off"
        )


def fit_calibration(run: Path, choice: Choice, outcome: str) -> Calibration | str:
    """Fit on the predictions of a run; or say why there is none."""
    path = run / "predictions.parquet"
    if not path.exists():
        return "the run holds no predictions to fit one on"
    table = read_predictions(path)
    asked = {"arm": choice.shown, "mode": choice.mode, "fraction": choice.fraction, "cohort": "internal"}
    if not {*asked, "outcome", "unit_id"} <= set(table.columns):
        return "the run's predictions do not say of which model they are"
    own = table.filter(pl.col("label").is_not_null(), pl.col("outcome") == outcome, **asked)
    if "score" not in own.columns or own["score"].null_count() or not own["label"].is_in([0, 1]).all():
        return "its outcome is not one of yes and no"
    units = own.group_by("unit_id", maintain_order=True).agg(
        pl.col("score").mean(), pl.col("label").first(), pl.col("subject_id").first()
    )
    label = units["label"].to_numpy().astype(float)
    if min(label.sum(), (1 - label).sum()) < FEWEST:
        counts = f"{len(label)} internal units, {int(label.sum())} with the outcome"
        return f"the run tested {counts}; {FEWEST} of either are needed"
    people = units["subject_id"].rank("dense").cast(pl.Int64).to_numpy()
    rule = fit_recalibration("logistic", label, units["score"].to_numpy(), patient=people)
    if not isinstance(rule, LogisticRule) or not np.isfinite(rule.slope) or rule.slope <= 0:
        return "its scores do not rise with the outcome among the internal patients, or part the classes wholly"
    counts = {"units": len(label), "positive": int(label.sum()), "patients": len(np.unique(people))}
    return Calibration(float(rule.intercept), float(rule.slope), **counts)


def load_calibration(folder: Path) -> Calibration | None:
    """Read `calibration.json` of a folder; None where there is none."""
    path = folder / FILE
    return from_plain(Calibration, read_object(path), where=str(path)) if path.exists() else None
