"""Prints the tables of docs/studies/films.md from a run of `semeia study own`: python tools/films_table.py RUN

Nothing is computed here: every number is a row of results.csv, tables/ or run.json.
"""

import json
import sys
from pathlib import Path

import polars as pl
from study_tables import COHORTS, cost, inside_and_outside, names_of, results_of, without

SIMPLE = "image_components/none"


def main(run: Path) -> None:
    """Prints all."""
    names = names_of(run)
    results = results_of(run)
    whole = results.filter(metric="auroc", stratum="all", arm="image_components", reference="")
    for row in whole.rows(named=True):
        print(
            f"{row['cohort']}: {row['n']} films of {row['n_patients']} patients, {row['n_positive']} in intensive care"
        )
    there = [cohort for cohort in COHORTS if cohort in set(whole["cohort"])]
    inside_and_outside(names, results, there)
    group = pl.col("arm").str.extract("^(multimodal|image)_")
    alike = (pl.col("reference").str.extract("^(multimodal|image)_") == group) | (pl.col("reference") == SIMPLE)
    without(names, results.filter(alike), "multimodal_jepa|image_jepa", there)
    leakage = pl.read_csv(run / "tables" / "leakage.csv")
    print()
    for check, state in leakage.select("check", "state").unique(maintain_order=True).rows():
        print(f"{check}: {state}")
    print(cost(json.loads((run / "run.json").read_text())))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
