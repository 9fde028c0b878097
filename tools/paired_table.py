"""Prints the tables of docs/studies/gastro.md from runs of `study gastro` or `study paired` that differ in their seeds.

    python tools/paired_table.py RUN [RUN ...] [--where CONDITION]

The evaluation runs on the folds of all seeds laid end to end (`pooled`): balanced accuracy and macro AUROC of several
classes, AUROC of two, with intervals over patients.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import polars as pl
from study_tables import estimate, names_of, pooled, table

from semeia.evaluation import EvaluationSettings, evaluate
from semeia.report.names import Names

DRAWS = 1000
CONTROLS = {"random": "less random, ", "mics_augmented": "less augmentation, "}


def main() -> None:
    """Print, for each cohort, levels and paired differences to random weights and to the augmentation control."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--where")
    given = parser.parse_args()
    predictions = pooled(given.runs)
    pairs = tuple(predictions.select("arm", "mode").unique(maintain_order=True).rows())
    names = replace(names_of(given.runs[0]), pairs=pairs)
    modes = [mode for mode in ("frozen", "finetune") if mode in predictions["mode"]]
    controls = [name for name in CONTROLS if (name, modes[0]) in pairs]
    references = tuple(f"{name}/{mode}" for name in controls for mode in modes)
    settings = EvaluationSettings(draws=DRAWS, where=given.where, references=references, ordinal=False, covariate=None)
    results = evaluate(predictions, settings=settings).results
    for metric in ("balanced_accuracy", "macro_auroc") if "macro_auroc" in results["metric"] else ("auroc",):
        of_metric = results.filter(metric=metric).with_columns(pl.col("reference").fill_null(""))
        show(names, of_metric, predictions, modes, controls)


def show(names: Names, results: pl.DataFrame, predictions: pl.DataFrame, modes: list[str], controls: list[str]) -> None:
    """Print one metric of each cohort: levels, less each control in each mode."""
    fractions = results["fraction"].unique().sort().to_list()
    for cohort in results["cohort"].unique().sort(descending=True):
        own = results.filter(cohort=cohort)
        seeds = predictions.filter(cohort=cohort)["seed"].n_unique()
        counted = f"{own['n'][0]} pictures of {own['n_patients'][0]} patients, {seeds} seed(s)"
        print(f"\n{own['metric'][0]}, {cohort}, {counted}")
        rows = []
        for (arm, mode), cells in own.group_by("arm", "mode", maintain_order=True):
            row = [names.arm(arm, mode)]
            against = mode if mode in modes else "finetune"
            for reference in ("", *(f"{name}/{against}" for name in controls)):
                compared = cells.filter(reference=reference)
                row += [
                    estimate(compared.filter(fraction=share).drop_nulls("low"), signed=bool(reference))
                    for share in fractions
                ]
            rows.append(row)
        heads = [f"{what}{share:.0%}" for what in ("", *(CONTROLS[name] for name in controls)) for share in fractions]
        table(["", *heads], rows)


if __name__ == "__main__":
    main()
