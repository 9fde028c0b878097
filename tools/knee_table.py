"""Prints the tables of docs/studies/knee.md from a run of the knee study: python tools/knee_table.py RUN

Nothing is computed here: every number is a row of results.csv or run.json.
"""

import json
import sys
from pathlib import Path

import polars as pl

from semeia.evaluation.description import read_description
from semeia.report.names import Names

GRADE = "kl_grade"


def estimate(found: pl.DataFrame, *, signed: bool = False) -> str:
    """The one row of a table, with its interval; a dash where there is none."""
    if found.is_empty():
        return "-"
    row = found.row(0, named=True)
    form = "+.3f" if signed else ".2f"
    if row["low"] is None:  # two seeds that cancel, say: the same in every draw
        return f"{row['value']:{form}}"
    return f"{row['value']:{form}} ({row['low']:{form}}, {row['high']:{form}})"


def table(heads: list[str], rows: list[list[str]]) -> None:
    """A table in Markdown."""
    print(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def names_of(run: Path) -> Names:
    """How the run calls its arms."""
    return Names(read_description(json.loads((run / "run.json").read_text())))


def levels(names: Names, results: pl.DataFrame, outcome: str, metric: str) -> None:
    """A metric of every arm, by cohort and share of the labels."""
    found = results.filter(reference="", outcome=outcome, metric=metric)
    places = found.select("cohort", "fraction").unique().sort("cohort", "fraction", descending=[True, False]).rows()
    rows = [
        [names.arm(arm, mode), *(estimate(own.filter(cohort=cohort, fraction=share)) for cohort, share in places)]
        for (arm, mode), own in found.group_by("arm", "mode", maintain_order=True)
    ]
    table([f"{outcome}: {metric}", *(f"{cohort}, {share:.0%}" for cohort, share in places)], rows)


def differences(names: Names, results: pl.DataFrame, outcome: str, metric: str, reference: str) -> None:
    """Every arm in the reference's mode (in any, where the reference has none) minus the reference, paired."""
    mode = reference.partition("/")[2]
    found = results.filter(pl.lit(mode == "none") | (pl.col("mode") == mode), reference=reference)
    found = found.filter(outcome=outcome, metric=metric)
    if found.is_empty():
        return
    places = found.select("cohort", "fraction").unique().sort("cohort", "fraction", descending=[True, False]).rows()
    rows = [
        [names.arm(arm, mode), *(estimate(own.filter(cohort=c, fraction=f), signed=True) for c, f in places)]
        for (arm, mode), own in found.group_by("arm", "mode", maintain_order=True)
    ]
    heads = [f"{cohort}, {share:.0%}" for cohort, share in places]
    table([f"{outcome}: {metric}, minus {names.reference(reference)}", *heads], rows)


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
    results = pl.read_csv(run / "results.csv", infer_schema_length=None).with_columns(pl.col("reference").fill_null(""))
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
    print(f"{record['wall_seconds']:.0f} s, {record['peak_rss_mb']:.0f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
