"""From a predictions table to the run's results.csv."""

from pathlib import Path

import polars as pl

from semeia.archive.atomic import naming, replacing
from semeia.evaluation import EvaluationSettings, evaluate


def write_results(run: Path, predictions: pl.DataFrame, *, settings: tuple[EvaluationSettings, ...]) -> list[str]:
    """Evaluates once for each setting (the whole, a stratum, ...) and writes one table; returns what was left out."""
    tables, notes = [], []
    for one in settings:
        found = evaluate(predictions, settings=one)
        tables.append(found.results)
        notes += [note if one.where is None else f"{one.where}: {note}" for note in found.notes]
    with naming(run / "results.csv"), replacing(run / "results.csv") as temporary:
        pl.concat(tables).write_csv(temporary)
    return notes
