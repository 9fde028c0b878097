"""Print how two stored experts and their blend for a new site do there: python tools/adapt_table.py ADAPTED RUN SITE

ADAPTED is what `semeia adapt` wrote of RUN; SITE the archive of the site, whose labels only this table reads. Means
over the models of the seeds, the patients of the run left out.
"""

import json
import sys
from pathlib import Path

import polars as pl
from study_tables import interval, table

from semeia import evaluate
from semeia.evaluation import EvaluationSettings
from semeia.studies.predict import predict


def main(adapted: Path, run: Path, site: Path) -> None:
    """Predict by all three, evaluate them together, and print a row each."""
    record = json.loads((adapted / "run.json").read_text())
    image, joint = record["experts"]
    how = {"seeds": "each", "skip_seen": True, "archive": site}
    tables = [
        predict(run, arm=arm, mode=record["mode"], fraction=record["fraction"], outcome=record["outcome"], **how)
        for arm in (image, joint)
    ]
    tables.append(predict(adapted, outcome=record["outcome"], **how))
    shared = [name for name in tables[0].columns if all(name in one.columns for one in tables)]
    rows = pl.concat([one.select(shared) for one in tables], how="vertical_relaxed")
    found = evaluate(rows, settings=EvaluationSettings(references=(image, joint))).results
    found = found.filter(metric="auroc", cohort="external")
    lines = []
    for arm in (image, joint, "adapted"):
        cells = {row["reference"]: row for row in found.filter(arm=arm).iter_rows(named=True)}
        wanted = ("", image, joint)
        shown = (interval(cells[name], signed=bool(name), digits=3) if name in cells else "" for name in wanted)
        lines.append([arm, *shown])
    counted = f"AUROC, {found['n'].max()} units of {found['n_patients'].max()} patients"
    table([counted, "", f"less {image}", f"less {joint}"], lines)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
