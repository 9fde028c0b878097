"""Evaluate a table of predictions into a folder: its results, itself, and the page.

The table may be a stranger's. Ids in it that are not pseudonyms of ours are replaced by counts, and columns that
the evaluation does not use are left out, so that no folder of results carries a patient's id.
"""

import re
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import polars as pl

from semeia import __version__
from semeia.archive.atomic import replacing, write_json, write_parquet
from semeia.errors import InputError
from semeia.evaluation import PREDICTION_COLUMNS, Evaluation, EvaluationSettings, evaluate, read_predictions
from semeia.evaluation.class_scores import class_columns
from semeia.report.compare.paired_runs import mark_of_tested
from semeia.report.page import write_report
from semeia.report.result_tables import write_tables

PSEUDONYM = "^p[0-9a-f]{12}$"
_MADE = ("run.json", "results.csv", "tables", "predictions.parquet", "report.html")


def evaluate_table(predictions: Path, *, out: Path, settings: EvaluationSettings) -> Evaluation:
    """Evaluate a table of predictions, whoever made it, and write results.csv, predictions.parquet, report.html.

    Args:
        predictions: .csv, .tsv or .parquet with at least the columns subject_id, label (0, 1 or empty) and score
            (a probability), or score_0, score_1, ... where there are several classes (see `check_predictions`).
        out: folder for the results; must not hold any yet.
        settings: see `EvaluationSettings`.

    Raises:
        InputError: the table cannot be evaluated, or `out` holds results or cannot be written to.
    """
    held = [name for name in _MADE if (out / name).exists()]
    if held:
        raise InputError(f"{out}: already holds {held[0]}, which is not overwritten; name another folder with --out.")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; name a folder with --out.")
    table = read_predictions(predictions)
    found = evaluate(table, settings=settings)
    if found.results.is_empty():
        why = found.notes[0] if found.notes else "no rows"
        raise InputError(f"{predictions}: nothing can be evaluated ({why}).")
    write_json(out / "run.json", _record(settings, found, table))
    write_parquet(out / "predictions.parquet", without_ids(table, settings))
    with replacing(out / "results.csv") as temporary:
        found.results.write_csv(temporary)
    write_tables(out, found.tables)
    write_report(out)
    return found


def without_ids(table: pl.DataFrame, settings: EvaluationSettings) -> pl.DataFrame:
    """Return the table as it is when all its patients are pseudonyms of ours; else patients and units are numbered.

    Then only the columns of predictions, and those that the settings name, are kept.
    """
    if table["subject_id"].str.contains(PSEUDONYM).all():
        return table
    named = {settings.by, settings.covariate, *re.findall(r"\w+", settings.where or "")}
    kept = [name for name in table.columns if name in {*PREDICTION_COLUMNS, *class_columns(table.columns)} | named]
    number = pl.col("subject_id").rank("dense").cast(pl.String)
    unit = pl.struct("subject_id", "unit_id").rank("dense").cast(pl.String)
    return table.select(kept).with_columns(subject_id="s" + number, unit_id="u" + unit)


def _record(settings: EvaluationSettings, found: Evaluation, table: pl.DataFrame) -> dict[str, object]:
    return {
        "semeia_version": __version__,
        "kind": "evaluation",
        "config": asdict(settings),
        "tested": mark_of_tested(table),
        "versions": {name: version(name) for name in ("numpy", "polars", "scipy")},
        "notes": list(found.notes),
    }
