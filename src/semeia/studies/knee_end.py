"""The end of the knee study: one predictions table of all outcomes, and the cohort flow."""

from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from semeia.readers.knees import OUTCOME
from semeia.report.flow import Box, counted
from semeia.studies.gather import gather, write_predictions
from semeia.studies.grid import Cell
from semeia.studies.knee_arms import parts_of
from semeia.studies.knee_data import Knees


def gather_outcomes(run: Path, cells: list[Cell], knees: Knees) -> pl.DataFrame:
    """Writes and returns the predictions of all outcomes; an arm loses the outcome from its name."""
    cohort = np.where(knees.outside, "external", "internal")
    tables = []
    for outcome, labels in knees.labels.items():
        own = [cell for cell in cells if parts_of(cell.arm)[1] == outcome]
        if own:
            table = gather(
                run, own, knees.data.units, labels, cohort=cohort, study="knee", outcome=outcome, passed_on=("side",)
            )
            tables.append(table.with_columns(pl.col("arm").str.split("@").list.first()))
    predictions = pl.concat(tables, how="diagonal")
    write_predictions(run, predictions)
    return predictions


def knee_flow(knees: Knees) -> list[Box]:
    """The cohort flow, counted."""
    grades, testing = knees.labels[OUTCOME], knees.testing(0)
    known, inside = ~np.isnan(grades), ~knees.outside

    box = partial(counted, patients=knees.subject)
    boxes = [
        box("In the archive", "archive", inside),
        box("May be pretrained on", "pretraining", inside & ~testing, note="all that are not set aside for testing"),
        box("Labelled for training", "internal", inside & ~testing & known, note="both knees of a patient together"),
        box("Tested", "internal", inside & testing & known),
    ]
    if knees.outside.any():
        boxes.append(box("Another hospital's, tested", "external", knees.outside & known))
    return boxes
