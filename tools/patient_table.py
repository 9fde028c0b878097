"""Prints the tables of docs/studies/patient.md from runs of the study of patients: python tools/patient_table.py RUN...

Nothing is computed here: every number is a row of results.csv or run.json.
"""

import json
import sys
from pathlib import Path

from study_tables import differences, levels, names_of, results_of

REFERENCES = ("multimodal_scratch/finetune", "image_scratch/finetune")


def main(run: Path) -> None:
    """Print one run: who was tested, every arm, the differences, and the verdicts on what was pretrained."""
    names = names_of(run)
    results = results_of(run)
    print(f"\n## {run.name}")
    for row in results.unique("cohort").sort("cohort").rows(named=True):
        print(f"{row['cohort']}: {row['n']} patients tested, {row['n_positive']} positive")
    (outcome,) = results["outcome"].unique()
    levels(names, results, outcome, "auroc")
    for reference in REFERENCES:
        differences(names, results, outcome, "auroc", reference)
    for one in json.loads((run / "run.json").read_text())["pretraining"]:
        print(f"\n{one['arm']}, seed {one['seed']}: {one['verdict']}")


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        main(Path(folder))
