"""Prints the README's result table from a study's results.csv: python tools/readme_table.py RUN

AUROC with 95 % patient-bootstrap intervals, inside and outside, at some label fractions; then what a model adds to the
diameter at all labels. Nothing is computed here: every number is a row of results.csv.
"""

import sys
from pathlib import Path

import polars as pl
from study_tables import COHORTS, estimate, results_of

ROWS = (
    ("diameter", "none", "diameter alone (shortcut)"),
    ("z_extent", "none", "z-extent alone (shortcut)"),
    ("scanner", "none", "scanner alone (shortcut)"),
    ("human_reader", "none", "another reader's malignancy rating (human bar)"),
    ("reading_logistic", "none", "reading, logistic regression"),
    ("reading_boosting", "none", "reading, gradient boosting"),
    ("image_components", "none", "image, 60 principal components"),
    ("multimodal_logistic", "none", "image + reading, components and logistic regression"),
    ("random_encoder", "frozen", "image + reading, random frozen encoder"),
    ("image_scratch", "finetune", "image, from scratch"),
    ("image_jepa", "frozen", "image, JEPA, frozen"),
    ("image_jepa", "finetune", "image, JEPA, fine-tuned"),
    ("multimodal_scratch", "finetune", "image + reading, from scratch"),
    ("multimodal_jepa", "frozen", "image + reading, JEPA, frozen"),
    ("multimodal_jepa", "finetune", "image + reading, JEPA, fine-tuned"),
    ("multimodal_jepa", "probe_finetune", "image + reading, JEPA, probed then fine-tuned"),
)
COMPARED = (
    ("multimodal_jepa", "finetune", "multimodal_scratch/finetune", "image + reading: JEPA fine-tuned minus scratch"),
    (
        "multimodal_jepa",
        "probe_finetune",
        "multimodal_scratch/finetune",
        "image + reading: JEPA probed, tuned minus scratch",
    ),
    ("image_jepa", "finetune", "image_scratch/finetune", "image: JEPA fine-tuned minus scratch"),
    ("image_scratch", "finetune", "image_components", "image from scratch minus principal components"),
    ("image_scratch", "finetune", "diameter", "image from scratch minus diameter"),
    ("image_jepa", "finetune", "diameter", "image JEPA fine-tuned minus diameter"),
)
FRACTIONS = (0.1, 0.25, 1.0)


def cell(results: pl.DataFrame, *, signed: bool = False, **at: str | float) -> str:
    """One estimate with its interval, or a dash."""
    found = results.filter([pl.col(name) == value for name, value in at.items()] + [pl.col("stratum") == "all"])
    return estimate(found, signed=signed)


def main(run: Path) -> None:
    """Prints three tables in Markdown."""
    results = results_of(run)
    head = [f"{cohort}, {fraction:.0%}" for cohort in COHORTS for fraction in FRACTIONS]
    print("| AUROC | " + " | ".join(head) + " |\n|---|" + "---|" * len(head))
    for arm, mode, words in ROWS:
        at = [(cohort, fraction) for cohort in COHORTS for fraction in FRACTIONS]
        cells = [cell(results, arm=arm, mode=mode, cohort=c, fraction=f, metric="auroc", reference="") for c, f in at]
        print(f"| {words} | " + " | ".join(cells) + " |")
    print("\n| difference in AUROC, paired | " + " | ".join(head) + " |\n|---|" + "---|" * len(head))
    for arm, mode, reference, words in COMPARED:
        cells = [
            cell(results, signed=True, arm=arm, mode=mode, cohort=c, fraction=f, metric="auroc", reference=reference)
            for c in COHORTS
            for f in FRACTIONS
        ]
        print(f"| {words} | " + " | ".join(cells) + " |")
    print("\n| AUROC(model + diameter) minus AUROC(diameter), all labels | internal | external |\n|---|---|---|")
    for arm, mode, words in ROWS[3:]:
        cells = [
            cell(results, signed=True, arm=arm, mode=mode, cohort=c, fraction=1.0, reference="",
                 metric="auroc_gain_over_diameter_mm")
            for c in COHORTS
        ]  # fmt: skip
        print(f"| {words} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
