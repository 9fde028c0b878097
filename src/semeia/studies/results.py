"""From a predictions table to the run's results.csv and tables/."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from semeia.archive.atomic import write_csv
from semeia.evaluation import EvaluationSettings, evaluate
from semeia.learning.progress import doing
from semeia.report.result_tables import write_tables


def write_results(
    run: Path,
    predictions: pl.DataFrame,
    *,
    settings: tuple[EvaluationSettings, ...],
    further: Mapping[str, pl.DataFrame],
) -> list[str]:
    """Evaluates once for each setting (the whole, a stratum, ...), writes what it gave; returns what was left out.

    `further` are tables of the run by name ("leakage": its audit); they stand before those of the same name that the
    predictions give.
    """
    results, notes = [], []
    tables: dict[str, list[pl.DataFrame]] = {name: [table] for name, table in further.items()}
    for one in settings:
        with doing("evaluating the predictions"):
            found = evaluate(predictions, settings=one)
        results.append(found.results)
        for name, table in found.tables.items():
            tables.setdefault(name, []).append(table)
        notes += [note if one.where is None else f"{one.where}: {note}" for note in found.notes]
    write_csv(run / "results.csv", pl.concat(results))
    write_tables(run, {name: pl.concat(parts).unique(maintain_order=True) for name, parts in tables.items()})
    return notes
