"""Prints the tables of docs/studies/worlds.md from a run of `study worlds`.

python tools/worlds_table.py RUN
"""

import argparse
from pathlib import Path

import polars as pl
from study_tables import table

LEVELS = (
    *("scratch", "image_only", "ema_finetune", "ema_frozen", "ema+vicreg_finetune", "ema+vicreg_frozen"),
    *("incomplete_finetune", "random_frozen", "ridge", "canonical", "boosting", "bayes"),
)
REFERENCES = ("scratch", "best_simple", "incomplete_finetune")


def levels(areas: pl.DataFrame, *, at: tuple[str, ...]) -> None:
    """Print the mean AUROC of every arm, a row a place."""
    rows = []
    for place, of in areas.filter(pl.col("reference") == "").group_by(*at, maintain_order=True):
        levels = dict(zip(of["arm"], of["auroc"], strict=True))
        rows.append([*map(str, place), *(f"{levels[arm]:.3f}" if arm in levels else "" for arm in LEVELS)])
    table([*at, *LEVELS], rows)


def differences(areas: pl.DataFrame, arm: str, *, at: tuple[str, ...], references: tuple[str, ...]) -> None:
    """Print an arm's paired differences with their intervals, a row a place."""
    rows = []
    for place, of in areas.filter(pl.col("arm") == arm).group_by(*at, maintain_order=True):
        found = {
            row["reference"]: f"{row['auroc']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})" for row in of.to_dicts()
        }
        rows.append([*map(str, place), *(found[reference] for reference in references)])
    table([*at, *(f"{arm} less {reference}" for reference in references)], rows)


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    run = parser.parse_args().run
    areas = pl.read_csv(run / "map.csv", schema_overrides={"value": pl.String}).with_columns(
        pl.col("reference").fill_null("")
    )
    criteria = pl.read_csv(run / "criteria.csv")
    # A leading apostrophe keeps spreadsheets from taking a sign for a formula.
    table(criteria.columns, [[word.lstrip("'") for word in row] for row in criteria.iter_rows()])
    home, place = areas.filter(pl.col("cohort") == "internal"), ("value", "labels")
    for sweep in ("lam", "structure"):
        levels(home.filter(pl.col("sweep") == sweep), at=place)
        for arm in ("ema_finetune", "ema_frozen"):
            differences(home.filter(pl.col("sweep") == sweep), arm, at=place, references=REFERENCES)
    workup = areas.filter(pl.col("sweep") == "workup")
    levels(workup, at=("value", "cohort"))
    differences(workup, "ema_finetune", at=("value", "cohort"), references=("scratch", "best_simple", "image_only"))
    needed = pl.read_csv(run / "label_equivalence.csv", schema_overrides={"value": pl.String})
    of_lam = needed.filter((pl.col("sweep") == "lam") & (pl.col("cohort") == "internal"))
    columns = ["value", "labels", "needed", "low", "high"]
    table(columns, [[value, *(f"{number:.0f}" for number in rest)] for value, *rest in of_lam.select(columns).rows()])


if __name__ == "__main__":
    main()
