"""Prints the tables of docs/studies/knee.md from a run of the knee study: python tools/knee_table.py RUN

Nothing is computed here: every number is a row of results.csv or run.json.
"""

import json
import sys
from pathlib import Path

import polars as pl
from study_tables import cost, differences, estimate, levels, names_of, results_of, table

from semeia.report.names import Names

GRADE = "kl_grade"


def recalls(names: Names, results: pl.DataFrame) -> None:
    """Share of each grade that is graded rightly, with all labels."""
    found = results.filter(
        pl.col("metric").str.starts_with("recall_"), reference="", outcome=GRADE, fraction=1.0, cohort="internal"
    )
    rows = [
        [names.arm(arm, mode), *(estimate(own.filter(metric=f"recall_{grade}")) for grade in range(5))]
        for (arm, mode), own in found.group_by("arm", "mode", maintain_order=True)
    ]
    table(["recall, all labels", *(f"grade {grade}" for grade in range(5))], rows)


def main(run: Path) -> None:
    """Prints all."""
    names = names_of(run)
    results = results_of(run)
    for outcome in results["outcome"].unique(maintain_order=True):
        own = results.filter(outcome=outcome)
        for row in own.unique("cohort").sort("cohort").rows(named=True):
            print(f"{outcome}, {row['cohort']}: {row['n']} knees of {row['n_patients']} patients")
        metric = "quadratic_kappa" if outcome == GRADE else "auroc"
        levels(names, results, outcome, metric)
        for reference in own["reference"].unique(maintain_order=True):
            if reference:
                differences(names, results, outcome, metric, reference)
    levels(names, results, GRADE, "balanced_accuracy")
    recalls(names, results)
    record = json.loads((run / "run.json").read_text())
    print()
    for made in record["pretraining"]:
        took = f"{made['epochs']} epochs, {made['seconds']:.0f} s"
        print(f"{made['arm']}, seed {made['seed']}: {took}. {made['verdict']}")
    print(cost(record))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
