"""Print a table of docs/studies/scaling.md from runs of `study scaling`: python tools/scaling_table.py RUN [RUN ...]

Of several runs, with other seeds, what all of them have. The folds of all seeds are one table of cross-fitted
predictions (`pooled`): differences from the same network from scratch in the same mode, with
intervals over patients; of several classes the macro AUROC.
"""

import sys
from pathlib import Path

import polars as pl
from study_tables import estimate, pooled, table

from semeia.evaluation import EvaluationSettings, evaluate
from semeia.studies.scaling import COMPONENTS, MODES, SCRATCH, Point

FACTS = ("objective", "steps", "share", "corpus")


def main(runs: list[Path]) -> None:
    """Print what scratch and components reach, and a row for each objective and length."""
    predictions = pooled(runs)
    shared = set.intersection(*(set(pl.read_parquet(run / "predictions.parquet")["arm"]) for run in runs))
    predictions = predictions.filter(pl.col("arm").is_in(shared))
    references = tuple(f"{SCRATCH}/{mode}" for mode in MODES)
    found = evaluate(predictions, settings=EvaluationSettings(draws=1000, references=references, ordinal=False)).results
    metric = "macro_auroc" if "macro_auroc" in found["metric"] else "auroc"
    found = found.filter(metric=metric).with_columns(pl.col("reference").fill_null(""))
    shares = found["fraction"].unique().sort().to_list()
    print(f"{metric}, {found['n'].max()} units of {found['n_patients'].max()} patients")
    levels = [(SCRATCH, mode) for mode in MODES] + [(COMPONENTS, "none")]
    rows = [[f"{arm}, {mode}", *(_cell(found, arm, mode, share, "") for share in shares)] for arm, mode in levels]
    table(["", *(f"{share:.0%}" for share in shares)], rows)
    costs = pl.read_csv(runs[0] / "tables" / "scaling.csv")
    heads = [f"{mode.replace('_', ' ')}, {share:.0%}" for mode in MODES for share in shares]
    rows = []
    for *point, own, seconds in costs.select(*FACTS, "own_steps", "seconds").unique(maintain_order=True).rows():
        arm = Point(*point)
        if arm.name in shared:
            gains = [_cell(found, arm.name, mode, share, f"{SCRATCH}/{mode}") for mode in MODES for share in shares]
            rows.append([f"{arm.title} ({own})", f"{seconds:.0f}", *gains])
    print()
    table(["pretrained by, steps of SimCLR (its own)", "seconds", *heads], rows)


def _cell(found: pl.DataFrame, arm: str, mode: str, share: float, reference: str) -> str:
    return estimate(found.filter(arm=arm, mode=mode, fraction=share, reference=reference), signed=bool(reference))


if __name__ == "__main__":
    main([Path(run) for run in sys.argv[1:]])
