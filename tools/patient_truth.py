"""Prints how far any model could come in the hospitals of docs/studies/patient.md: python tools/patient_truth.py

AUROC of the chance of the label given its causes, among the patients whom the study tests: all who have a label. No
scan and no record is drawn; options are those of `semeia world hospital` (--patients, --labelled, --workup, ...).
"""

from dataclasses import replace
from typing import get_args, get_type_hints

import polars as pl
from jsonargparse import auto_cli
from study_tables import estimate, table

from semeia.evaluation import EvaluationSettings, evaluate
from semeia.worlds.hospital import HospitalSettings
from semeia.worlds.hospital.course import course_of
from semeia.worlds.hospital.oracle import SOURCES, oracle

SEES = {"Scans and record": SOURCES, "Scans alone": ("image",), "Record alone": ("record",)}
COHORTS = ("internal", "external")


def truth(settings: HospitalSettings) -> pl.DataFrame:
    """Every labelled patient's chance as a table of predictions, an arm for what is seen."""
    rows, labels = [], settings.labelled
    for number in range(settings.patients):
        course = course_of(number, settings)
        labelled = course.site > 0 or labels > 0
        labels -= int(labelled and course.site == 0)
        if labelled:
            about = {"subject_id": course.name, "cohort": COHORTS[course.site > 0], "label": course.label}
            rows += [{**about, "arm": arm, "score": oracle(course, settings, sees)} for arm, sees in SEES.items()]
    return pl.DataFrame(rows)


def main(settings: HospitalSettings) -> None:
    """Print a row for what is seen, and columns for each cause and cohort."""
    heads, cells = [], {arm: [] for arm in SEES}
    for cause in get_args(get_type_hints(HospitalSettings)["cause"]):
        predictions = truth(replace(settings, cause=cause))
        results = evaluate(predictions, settings=EvaluationSettings(draws=1000)).results.filter(metric="auroc")
        for cohort in COHORTS:
            own = predictions.filter(cohort=cohort, arm="Scans alone")
            heads.append(f"{cause}, {cohort} ({own['label'].sum()} of {own.height} ill)")
            for arm, found in cells.items():
                found.append(estimate(results.filter(arm=arm, cohort=cohort, reference="")))
    table(["the truth of", *heads], [[arm, *found] for arm, found in cells.items()])


if __name__ == "__main__":
    main(auto_cli(HospitalSettings, as_positional=False))
