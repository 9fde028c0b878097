"""From a predictions table to the run's results.csv and tables/."""

from pathlib import Path

import polars as pl

from semeia.archive.atomic import naming, replacing
from semeia.evaluation import EvaluationSettings, evaluate
from semeia.report.result_tables import write_tables


def write_results(
    run: Path,
    predictions: pl.DataFrame,
    *,
    settings: tuple[EvaluationSettings, ...],
    audit: pl.DataFrame | None = None,
) -> list[str]:
    """Evaluates once for each setting (the whole, a stratum, ...), writes what it gave; returns what was left out.

    `audit` are the checks of the run (leakage.py), to stand with those of its predictions.
    """
    results, notes = [], []
    tables: dict[str, list[pl.DataFrame]] = {} if audit is None else {"leakage": [audit]}
    for one in settings:
        found = evaluate(predictions, settings=one)
        results.append(found.results)
        for name, table in found.tables.items():
            tables.setdefault(name, []).append(table)
        notes += [note if one.where is None else f"{one.where}: {note}" for note in found.notes]
    with naming(run / "results.csv"), replacing(run / "results.csv") as temporary:
        pl.concat(results).write_csv(temporary)
    write_tables(run, {name: pl.concat(parts).unique(maintain_order=True) for name, parts in tables.items()})
    return notes
