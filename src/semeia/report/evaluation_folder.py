"""Evaluate a table of predictions into a folder: its results, itself, and the page.

Ids that are not pseudonyms of ours are replaced by counts, and columns that are not used are left out, so that no
folder of results holds a stranger's patient id.
"""

import hashlib
import json
import re
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

import polars as pl

from semeia import __version__
from semeia.archive.atomic import sweep, write_csv, write_json, write_parquet
from semeia.archive.column_names import quoted
from semeia.archive.keys import PSEUDONYM
from semeia.archive.small_file import read_object
from semeia.errors import InputError
from semeia.evaluation import PREDICTION_COLUMNS, Evaluation, EvaluationSettings, evaluate, read_predictions
from semeia.evaluation.class_scores import class_columns
from semeia.evaluation.notes import SPLITS, WEIGHTS
from semeia.evaluation.schema import time_to_event
from semeia.evaluation.strata import KNOWN, strata
from semeia.evaluation.tables.paired_tables import mark_of_tested
from semeia.report.page import CHECKLISTS, REPORT, write_pages
from semeia.report.result_tables import FOLDER, marks_of, write_tables
from semeia.report.run_folder import IN_WHERE, read_run

_MADE = ("run.json", "results.csv", "estimates.csv", "tables", "predictions.parquet", REPORT, CHECKLISTS)


def evaluate_table(
    predictions: Path, *, out: Path, settings: EvaluationSettings, named: tuple[str, ...] = ()
) -> Evaluation:
    """Evaluate a table of predictions, whoever made it, and write results.csv, predictions.parquet, report.html.

    Args:
        predictions: .csv, .tsv or .parquet with at least the columns subject_id, label (0, 1 or empty) and score
            (a probability), or score_0, score_1, ... where there are several classes (see `check_predictions`).
        out: folder for the results; must not hold any yet.
        settings: see `EvaluationSettings`.
        named: which column is which where the table has names of its own: subject_id=Patient,label=Died,score=Risk.

    Raises:
        InputError: the table cannot be evaluated, or `out` holds results or cannot be written to.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; name a folder with --out.")
    table = read_predictions(predictions, named=named)
    command = _command(settings, table)
    held = [name for name in _MADE if (out / name).exists()]
    if held and _begun(out) != command:
        raise InputError(f"{out}: already holds {held[0]}, which is not overwritten; name another folder with --out.")
    described, unasked = asked_for(table, settings)
    try:
        found = evaluate(described, settings=settings)
    except InputError as error:
        if str(error).startswith("column "):
            raise InputError(f"{predictions}: {error}") from error
        raise
    if unasked:
        note = f"not described, for no option names them (--subgroups does): columns {quoted(unasked)}"
        found = replace(found, notes=(*found.notes, note))
    if found.results.is_empty():
        why = found.notes[0] if found.notes else "no rows"
        raise InputError(f"{predictions}: nothing can be evaluated ({why}).")
    for folder in (out, out / FOLDER):
        sweep(folder)
    record = {**command, "notes": list(found.notes)}
    write_json(out / "run.json", {**record, "state": "running"})
    kept = without_ids(table, settings)
    if settings.where is not None:
        # a mark on the rows that --where leaves: a report evaluates no expression of a file.
        kept = kept.with_columns(pl.Series(IN_WHERE, strata(table, where=settings.where)[0].rows))
    write_parquet(out / "predictions.parquet", kept)
    write_csv(out / "results.csv", found.results)
    write_csv(out / "estimates.csv", found.estimates)
    write_tables(out, found.tables)
    record["tables"] = marks_of(out)
    # Last, so that what is half done never passes for the whole.
    write_pages(out, read_run(out, record=record))
    write_json(out / "run.json", record)
    return found


def _begun(out: Path) -> dict[str, object] | None:
    """What the evaluation in a folder was asked for, finished or not; None where run.json tells of none."""
    try:
        record = read_object(out / "run.json")
    except InputError:
        return None
    return {name: value for name, value in record.items() if name not in ("notes", "state", "tables")}


def asked_for(table: pl.DataFrame, settings: EvaluationSettings) -> tuple[pl.DataFrame, list[str]]:
    """Return the table without the columns of a stranger that nobody asked for, which may hold anything; name these."""
    if table["subject_id"].str.contains(PSEUDONYM).all():
        return table, []
    asked = _used(table, settings) | {*settings.subgroups, *KNOWN, *WEIGHTS, *SPLITS}
    return table.select(name for name in table.columns if name in asked), sorted(set(table.columns) - asked)


def _used(table: pl.DataFrame, settings: EvaluationSettings) -> set[str]:
    """Name the columns of predictions, and those that the settings compute with."""
    named = {settings.by or "", settings.covariate or "", *re.findall(r"\w+", settings.where or "")}
    timed = {"time", "event"} if time_to_event(table) else set()
    return {*PREDICTION_COLUMNS, *class_columns(table.columns)} | named | timed


def without_ids(table: pl.DataFrame, settings: EvaluationSettings) -> pl.DataFrame:
    """Number patients and units that are no pseudonyms of ours, with the columns that predictions or settings name."""
    if table["subject_id"].str.contains(PSEUDONYM).all():
        return table
    kept = [name for name in table.columns if name in _used(table, settings)]
    number = pl.col("subject_id").rank("dense").cast(pl.String)
    unit = pl.struct("subject_id", "unit_id").rank("dense").cast(pl.String)
    return table.select(kept).with_columns(subject_id="s" + number, unit_id="u" + unit)


def _command(settings: EvaluationSettings, table: pl.DataFrame) -> dict[str, object]:
    """What an evaluation is asked for, as run.json says it: the same command on the same table gives the same."""
    content = hashlib.sha256(table.write_csv().encode()).hexdigest()
    command = {
        "semeia_version": __version__,
        "kind": "evaluation",
        "config": asdict(settings),
        "tested": mark_of_tested(table),
        "predictions": content,
        "versions": {name: version(name) for name in ("numpy", "polars", "scipy")},
    }
    return json.loads(json.dumps(command))
