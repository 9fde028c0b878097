"""Prints the tables of docs/studies/ehr.md from a run of the study of records: python tools/ehr_table.py RUN

Of several runs, which differ in the seed of the signatures' draws, it prints how far the differences move.

Nothing is computed here but sums over hospitals: every other number is a row of results.csv, tables/ or run.json.
"""

import json
import sys
from pathlib import Path

import polars as pl
from study_tables import (
    COHORTS,
    NO_INTERVAL,
    called,
    cost,
    inside_and_outside,
    interval,
    names_of,
    results_of,
    table,
    without,
)

from semeia.report.names import Names


def gaps(names: Names, run: Path) -> None:
    """What each arm loses outside, and how that differs from counts with logistic regression."""
    found = pl.read_csv(run / "tables" / "transport.csv").with_columns(pl.col("reference").fill_null(""))
    found = found.filter(metric="auroc", stratum="all", fraction=1.0).rename({"gap": "value"})
    rows = []
    for arm, mode in found.select("arm", "mode").unique(maintain_order=True).rows():
        mine = found.filter(arm=arm, mode=mode).rows(named=True)
        own = {row["reference"]: interval(row, signed=True, missing=NO_INTERVAL) for row in mine}
        rows.append([called(names, arm, mode), own[""], own.get("counts_logistic", "-")])
    table(["AUROC outside minus inside, all labels", "gap", "minus that of raw counts, logistic regression"], rows)


def gains(names: Names, results: pl.DataFrame) -> None:
    """What each arm adds to the number of events."""
    found = results.filter(pl.col("reference") == "", metric="auroc_gain_over_record_density", fraction=1.0)
    rows = []
    for arm, mode in (
        found.filter(pl.col("arm") != "record_density").select("arm", "mode").unique(maintain_order=True).rows()
    ):
        own = found.filter(arm=arm, mode=mode)
        rows.append(
            [
                called(names, arm, mode),
                *(interval(own.filter(cohort=c).row(0, named=True), signed=True, missing=NO_INTERVAL) for c in COHORTS),
            ]
        )
    table(["AUROC(score + number of events) minus AUROC(number of events)", *COHORTS], rows)


def moves(runs: list[Path]) -> None:
    """Signatures minus raw counts (logistic regression, all labels) in each run, and from the least to the most."""
    rows = []
    for run in runs:
        own = results_of(run).filter(arm="signatures_logistic", metric="auroc", fraction=1.0, stratum="all")
        own = own.filter(pl.col("reference").str.starts_with("counts_logistic"))
        rows.append([own.filter(cohort=cohort).row(0, named=True) for cohort in COHORTS])
    shown = [[interval(row, signed=True, missing=NO_INTERVAL) for row in own] for own in rows]
    table(["run", *COHORTS], [[run.name, *cells] for run, cells in zip(runs, shown, strict=True)])
    for place, cohort in enumerate(COHORTS):
        values = [own[place]["value"] for own in rows]
        print(f"{cohort}: {min(values):+.3f} to {max(values):+.3f} over {len(values)} seeds of the draws")


def main(run: Path) -> None:
    """Prints all."""
    names = names_of(run)
    results = results_of(run)
    for row in (
        results.filter(metric="auroc", arm="age_sex", fraction=1.0).unique("cohort").sort("cohort").rows(named=True)
    ):
        print(f"{row['cohort']}: {row['n']} stays, {row['n_positive']} with the outcome")
    inside_and_outside(names, results)
    without(names, results, "signatures|across|events")
    gains(names, results)
    gaps(names, run)
    record = json.loads((run / "run.json").read_text())
    print()
    for fit in record["signatures"]:
        print(", ".join(f"{name} {value}" for name, value in fit.items()))
    unmapped = pl.read_csv(run / "tables" / "unmapped.csv")
    for cohort in COHORTS:
        own = unmapped.filter(cohort=cohort)
        shares, events = own["share"].to_numpy(), own["events"].to_numpy()
        whole = (shares * events).sum() / events.sum()
        print(f"{cohort}: {whole:.1%} unmapped, by hospital {shares.min():.1%} to {shares.max():.1%}")
    print(cost(record))


if __name__ == "__main__":
    moves([Path(run) for run in sys.argv[1:]]) if len(sys.argv) > 2 else main(Path(sys.argv[1]))
