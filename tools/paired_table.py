"""Prints the tables of docs/studies/gastro.md from runs of `study gastro` or `study paired` that differ in their seeds.

    python tools/paired_table.py RUN [RUN ...] [--where CONDITION] [--longer RUN [RUN ...]]

The evaluation runs on the folds of all seeds laid end to end (`pooled`): balanced accuracy and macro AUROC of several
classes, AUROC of two, with intervals over patients. `--longer` names runs of the same seeds in which random weights
were fine-tuned for longer: a yardstick more.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import polars as pl
from study_tables import estimate, names_of, pooled, table

from semeia.evaluation import EvaluationSettings, evaluate
from semeia.report.names import Names

DRAWS = 1000
LONGER = "random_longer"
CONTROLS = {"random": "less random, ", LONGER: "less longer fine-tuning, ", "mics_augmented": "less augmentation, "}


def main() -> None:
    """Print, for each cohort, levels and paired differences to random weights and to the augmentation control."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--where")
    parser.add_argument("--longer", nargs="+", type=Path, default=[])
    given = parser.parse_args()
    predictions = pooled(given.runs)
    if given.longer:
        longer = pooled(given.longer).filter(arm="random", mode="finetune").with_columns(arm=pl.lit(LONGER))
        predictions = pl.concat([predictions, longer], how="diagonal")
    pairs = tuple(predictions.select("arm", "mode").unique(maintain_order=True).rows())
    names = replace(names_of(given.runs[0]), pairs=pairs)
    modes = {name: [mode for mode in ("frozen", "finetune") if (name, mode) in pairs] for name in CONTROLS}
    references = tuple(f"{name}/{mode}" for name in CONTROLS for mode in modes[name])
    settings = EvaluationSettings(draws=DRAWS, where=given.where, references=references, ordinal=False, covariate=None)
    results = evaluate(predictions, settings=settings).results
    for metric in ("balanced_accuracy", "macro_auroc") if "macro_auroc" in results["metric"] else ("auroc",):
        of_metric = results.filter(metric=metric).with_columns(pl.col("reference").fill_null(""))
        show(names, of_metric, predictions, {name: own for name, own in modes.items() if own})


def show(names: Names, results: pl.DataFrame, predictions: pl.DataFrame, controls: dict[str, list[str]]) -> None:
    """Print one metric of each cohort: levels, less each control in the same mode, or else fine-tuned."""
    fractions = results["fraction"].unique().sort().to_list()
    for cohort in results["cohort"].unique().sort(descending=True):
        own = results.filter(cohort=cohort)
        seeds = predictions.filter(cohort=cohort)["seed"].n_unique()
        counted = f"{own['n'][0]} pictures of {own['n_patients'][0]} patients, {seeds} seed(s)"
        print(f"\n{own['metric'][0]}, {cohort}, {counted}")
        rows = []
        for (arm, mode), cells in own.group_by("arm", "mode", maintain_order=True):
            row = [names.arm(arm, mode)]
            against = [f"{name}/{mode if mode in modes else 'finetune'}" for name, modes in controls.items()]
            for reference in ("", *against):
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
