"""What the study of records leaves in run.json beside its settings: who was studied, the signatures, what is unmapped,
its limits, and its answers to checklists where the house's usual ones speak of images and networks.
"""

import json
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from semeia.report.flow import Box, counted
from semeia.signatures.model import load_signatures
from semeia.studies.described import HOUSE, ehr
from semeia.studies.ehr_arms import UNMAPPED
from semeia.studies.grid import DONE, Cell

# Fewer patients than this are not counted out loud.
FEWEST = 10
LIMITS = (
    "The records are of one database, and where it is a demonstration subset, of a small part of it: whole tables may "
    "be absent. What a model lacks may be what the subset lacks.",
    "The hospitals outside are other hospitals of the same database, with the same system of records and the same "
    "years; another database may differ more.",
    "The first stay of each patient only, and only those longer than a day: who dies or leaves within a day of "
    "admission is not predicted.",
    "Many signatures are not found again when the fit is repeated on other draws of the patients (see Signatures): "
    "what a single one is made of should not be read as a finding.",
)
STATEMENTS = {
    "inputs": "Everything in the record up to the time of the prediction, as signatures, as counts of codes or as last "
    "values; age and sex.",
    "preprocessing": "Scaling, fills, signatures, the codes that are counted and standardisation are fitted on the "
    "training patients and carried unchanged to the tested ones.",
    "missing": "Signatures fill what is not in a record as their model says (the fill of each channel); a count is 0; "
    "a missing value is the training mean to logistic regression and a value of its own to trees.",
    "absent_input": "A record without any known code is scored from its fills, age and sex.",
    "initialisation": "Signatures start from random numbers that follow from the seed; logistic regression has one "
    "solution.",
    "training": "Logistic regression with a ridge; gradient boosting with shallow trees.",
    "overfitting": "The ridge and the number of trees are chosen by cross-validation over the training patients. Every "
    "score is of a patient on whom nothing was fitted.",
    "selection_of_model": "None: every arm is shown. Penalties were chosen within the training patients; nothing was "
    "chosen by how it scored a tested patient.",
    "scoring": "By models each of which did not see the patient, in any form.",
    "specification": "Signatures and linear models are in the run folder; boosted trees are not stored. The folder "
    "stays beside the signatures holds numbers of patients: leave it behind when a model is shared.",
}


def facts_of(run: Path, signatures: list[Cell], unmapped: pl.DataFrame, *, outcome: str) -> dict[str, object]:
    """What run.json is to hold of the signatures of each seed, of unmapped codes, and in words."""
    return {
        "signatures": [_fit(run, cell) for cell in signatures],
        "unmapped": unmapped.to_dicts(),
        "limits": list(LIMITS),
        "statements": HOUSE | STATEMENTS,
        **ehr(outcome).record(),
    }


def unmapped_by_hospital(run: Path, signatures: list[Cell], stays: pl.DataFrame, cohort: np.ndarray) -> pl.DataFrame:
    """How much of each hospital's records the signatures do not know, over the tested stays and all seeds.

    Returns:
        cohort, site, patients (null where few), events (a seed that tested it), share, by cohort and falling share.
    """
    seeds = pl.concat([pl.read_parquet(run / cell.name / UNMAPPED) for cell in signatures])
    places = stays.select(pl.col("site").fill_null(""), cohort=pl.Series(cohort)).unique()
    # Every seed tests all who are outside, and another fifth of those inside.
    times = pl.when(pl.col("cohort") == "external").then(len(signatures)).otherwise(1)
    sums = (
        seeds.join(places, on="site")
        .group_by("cohort", "site")
        .agg(pl.col("patients", "events", "unmapped_events").sum())
    )
    patients = pl.col("patients") // times
    return sums.select(
        "cohort",
        "site",
        patients=pl.when(patients >= FEWEST).then(patients),
        events=pl.col("events") // times,
        share=(pl.col("unmapped_events") / pl.col("events")).fill_nan(0.0).round(4),
    ).sort("cohort", "share", "site", descending=[False, True, False])


def flow(stays: pl.DataFrame, cohort: np.ndarray) -> list[Box]:
    """The cohort flow, counted; one stay a patient."""
    labelled = stays["label"].is_not_null().to_numpy()
    positive = (stays["label"] == 1).fill_null(False).to_numpy()
    inside, outside = cohort == "internal", cohort == "external"

    box = partial(counted, patients=stays["subject_id"].to_numpy(), units=False)

    def of(place: np.ndarray) -> str:
        hospitals = stays["site"].filter(place).n_unique()
        return f"{hospitals} hospitals, {int((place & positive).sum())} with the outcome"

    boxes = [
        box("In the archive, first stays", "archive", np.ones(len(stays), bool)),
        box("External without a label", "excluded", outside & ~labelled, note="not used"),
        box("Hospital not known", "excluded", cohort == "unknown", note="not used"),
        box("Signatures may be learned from", "pretraining", inside, note="each seed leaves out the fold it tests"),
        box("without a label", "pretraining", inside & ~labelled, note="too short a stay, or its end not known"),
        box("Internal hospitals, labelled", "internal", inside & labelled, note=of(inside & labelled)),
        box("External hospitals, labelled", "external", outside & labelled, note=of(outside & labelled)),
    ]
    return [one for one in boxes if one.patients]


def _fit(run: Path, cell: Cell) -> dict[str, object]:
    model = load_signatures(run / cell.name)
    return {
        "seed": cell.seed,
        "signatures": len(model.names),
        "unstable": int(model.unstable.sum()),
        "channels": len(model.channels),
        "patients": model.fitting.patients,
        "sections": model.fitting.sections,
        "iterations": model.fitting.iterations,
        "state": model.fitting.state,
        "seconds": json.loads((run / cell.name / DONE).read_text())["seconds"],
    }
