"""Prints the tables of docs/studies/ehr.md from a run of the study of records: python tools/ehr_table.py RUN

Of several runs, which differ in the seed of the signatures' draws, it prints how far the differences move.

Nothing is computed here but sums over hospitals: every other number is a row of results.csv, tables/ or run.json.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from study_tables import interval, names_of, table

from semeia.report.names import Names

COHORTS = ("internal", "external")


def estimate(row: dict, *, signed: bool = False) -> str:
    """An estimate with its interval."""
    return interval(row, signed=signed, missing=" (no interval)")


def called(names: Names, arm: str, mode: str) -> str:
    """An arm in words, with how it met the labels."""
    return names.arm(arm) + ("" if mode == "none" else f", {mode}")


def levels(names: Names, results: pl.DataFrame, cohorts: Sequence[str] = COHORTS) -> None:
    """AUROC of each arm, cohort and share of the labels."""
    found = results.filter(pl.col("reference") == "", metric="auroc", stratum="all")
    places = [(cohort, fraction) for cohort in cohorts for fraction in sorted(found["fraction"].unique())]
    rows = []
    for arm, mode in found.select("arm", "mode").unique(maintain_order=True).rows():
        own = found.filter(arm=arm, mode=mode)
        values = [own.filter(cohort=cohort, fraction=fraction).row(0, named=True) for cohort, fraction in places]
        rows.append([called(names, arm, mode), *(estimate(value) for value in values)])
    table(["AUROC", *(f"{cohort}, {fraction:.0%}" for cohort, fraction in places)], rows)


def differences(names: Names, results: pl.DataFrame, begin: str, cohorts: Sequence[str] = COHORTS) -> None:
    """Arms whose names begin so minus the references, all labels, and the least difference that could be found."""
    full = results.filter(pl.col("arm").str.contains(f"^({begin})"), fraction=1.0, stratum="all")
    rows = []
    keys = ["arm", "mode", "reference"]
    for arm, mode, reference in full.filter(pl.col("reference") != "").select(keys).unique(maintain_order=True).rows():
        words = [f"{called(names, arm, mode)} minus {names.reference(reference)}"]
        for cohort in cohorts:
            own = full.filter(arm=arm, mode=mode, reference=reference, cohort=cohort)
            words.append(estimate(own.filter(metric="auroc").row(0, named=True), signed=True))
            words.append(f"{own.filter(metric='auroc_detectable_difference')['value'][0]:.3f}")
        rows.append(words)
    heads = [head for cohort in cohorts for head in (cohort, "detectable")]
    table(["difference in AUROC, paired, all labels", *heads], rows)


def gaps(names: Names, run: Path) -> None:
    """What each arm loses outside, and how that differs from counts with logistic regression."""
    found = pl.read_csv(run / "tables" / "transport.csv").with_columns(pl.col("reference").fill_null(""))
    found = found.filter(metric="auroc", stratum="all", fraction=1.0).rename({"gap": "value"})
    rows = []
    for arm, mode in found.select("arm", "mode").unique(maintain_order=True).rows():
        mine = found.filter(arm=arm, mode=mode).rows(named=True)
        own = {row["reference"]: estimate(row, signed=True) for row in mine}
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
                *(estimate(own.filter(cohort=c).row(0, named=True), signed=True) for c in COHORTS),
            ]
        )
    table(["AUROC(score + number of events) minus AUROC(number of events)", *COHORTS], rows)


def moves(runs: list[Path]) -> None:
    """Signatures minus raw counts (logistic regression, all labels) in each run, and from the least to the most."""
    rows = []
    for run in runs:
        results = pl.read_csv(run / "results.csv", infer_schema_length=None)
        own = results.filter(arm="signatures_logistic", metric="auroc", fraction=1.0, stratum="all")
        own = own.filter(pl.col("reference").fill_null("").str.starts_with("counts_logistic"))
        rows.append([own.filter(cohort=cohort).row(0, named=True) for cohort in COHORTS])
    table(
        ["run", *COHORTS],
        [[run.name, *(estimate(row, signed=True) for row in own)] for run, own in zip(runs, rows, strict=True)],
    )
    for place, cohort in enumerate(COHORTS):
        values = [own[place]["value"] for own in rows]
        print(f"{cohort}: {min(values):+.3f} to {max(values):+.3f} over {len(values)} seeds of the draws")


def main(run: Path) -> None:
    """Prints all."""
    names = names_of(run)
    results = pl.read_csv(run / "results.csv", infer_schema_length=None).with_columns(pl.col("reference").fill_null(""))
    for row in (
        results.filter(metric="auroc", arm="age_sex", fraction=1.0).unique("cohort").sort("cohort").rows(named=True)
    ):
        print(f"{row['cohort']}: {row['n']} stays, {row['n_positive']} with the outcome")
    levels(names, results)
    differences(names, results, "signatures|across")
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
    print(f"{record['wall_seconds']:.0f} s, {record['peak_rss_mb']:.0f} MB")


if __name__ == "__main__":
    moves([Path(run) for run in sys.argv[1:]]) if len(sys.argv) > 2 else main(Path(sys.argv[1]))
