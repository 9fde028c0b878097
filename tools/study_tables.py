"""Print tables in Markdown of what studies have written, for the tools that print the tables of a page."""

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from semeia.evaluation.description import read_description
from semeia.report.names import Names

COHORTS = ("internal", "external")
NO_INTERVAL = " (no interval)"


def results_of(run: Path) -> pl.DataFrame:
    """results.csv; the reference of a level is empty."""
    return pl.read_csv(run / "results.csv", infer_schema_length=None).with_columns(pl.col("reference").fill_null(""))


def pooled(runs: list[Path]) -> pl.DataFrame:
    """Predictions of runs that differ in their seeds, the internal folds of all seeds laid end to end.

    Each seed tests another fold, and a fold may hold a rare class in a single patient, of which there is no interval:
    so every unit is tested once by each arm. What is tested by every seed (elsewhere) keeps its seed.
    """
    every = pl.concat([pl.read_parquet(run / "predictions.parquet") for run in runs], how="diagonal")
    twice = every.select("arm", "mode", "fraction", "seed", "cohort", "unit_id").is_duplicated()
    if twice.any():
        raise SystemExit("the runs repeat a seed: name each seed once")
    inside = pl.col("cohort") == "internal"
    return every.with_columns(seed=pl.when(inside).then(0).otherwise(pl.col("seed")))


def cost(record: dict) -> str:
    """What a run took."""
    return f"{record['wall_seconds']:.0f} s, {record['peak_rss_mb']:.0f} MB"


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
    pairs = results_of(run).select("arm", "mode").unique(maintain_order=True).rows()
    return Names(read_description(json.loads((run / "run.json").read_text())), pairs=tuple(pairs))


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


def called(names: Names, arm: str, mode: str) -> str:
    """An arm in words, with how it met the labels."""
    return names.arm(arm) + ("" if mode == "none" else f", {mode}")


def inside_and_outside(names: Names, results: pl.DataFrame, cohorts: Sequence[str] = COHORTS) -> None:
    """AUROC of each arm, cohort and share of the labels, the smallest share first."""
    found = results.filter(pl.col("reference") == "", metric="auroc", stratum="all")
    places = [(cohort, fraction) for cohort in cohorts for fraction in sorted(found["fraction"].unique())]
    rows = []
    for arm, mode in found.select("arm", "mode").unique(maintain_order=True).rows():
        own = found.filter(arm=arm, mode=mode)
        values = [own.filter(cohort=cohort, fraction=fraction).row(0, named=True) for cohort, fraction in places]
        rows.append([called(names, arm, mode), *(interval(value, missing=NO_INTERVAL) for value in values)])
    table(["AUROC", *(f"{cohort}, {fraction:.0%}" for cohort, fraction in places)], rows)


def without(names: Names, results: pl.DataFrame, begin: str, cohorts: Sequence[str] = COHORTS) -> None:
    """Arms whose names begin so minus the references, all labels, and the least difference that could be found."""
    full = results.filter(pl.col("arm").str.contains(f"^({begin})"), fraction=1.0, stratum="all")
    rows = []
    keys = ["arm", "mode", "reference"]
    for arm, mode, reference in full.filter(pl.col("reference") != "").select(keys).unique(maintain_order=True).rows():
        words = [f"{called(names, arm, mode)} minus {names.reference(reference)}"]
        for cohort in cohorts:
            own = full.filter(arm=arm, mode=mode, reference=reference, cohort=cohort)
            words.append(interval(own.filter(metric="auroc").row(0, named=True), signed=True, missing=NO_INTERVAL))
            words.append(f"{own.filter(metric='auroc_detectable_difference')['value'][0]:.3f}")
        rows.append(words)
    heads = [head for cohort in cohorts for head in (cohort, "detectable")]
    table(["difference in AUROC, paired, all labels", *heads], rows)
