"""Print tables in Markdown of what a study has written: every number is a row of results.csv or run.json."""

import json
from pathlib import Path

import polars as pl

from semeia.evaluation.description import read_description
from semeia.report.names import Names


def estimate(found: pl.DataFrame, *, signed: bool = False) -> str:
    """The one row of a table, with its interval; a dash where there is none."""
    if found.is_empty():
        return "-"
    return interval(found.row(0, named=True), signed=signed)


def interval(row: dict, *, signed: bool = False, digits: int = 2, missing: str = "") -> str:
    """One row of results with its interval; a level has so many digits, a difference three and a sign."""
    form = "+.3f" if signed else f".{digits}f"
    if row["low"] is None:  # two seeds that cancel, or a constant score, say: the same in every draw
        return f"{row['value']:{form}}{missing}"
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
