"""Scores of cells become one table: each row with its own unit, label and cohort."""

from pathlib import Path

import numpy as np
import polars as pl

from semeia.evaluation.schema import PREDICTION_COLUMNS
from semeia.studies.gather import gather, write_predictions, write_scores
from semeia.studies.grid import Cell
from semeia.views.dataset import PatientData


def test_gather(data: PatientData, tmp_path: Path):
    cells = [Cell("a", "none", 0.5, 0), Cell("b", "frozen", 1.0, 3)]
    rows = [np.array([5, 2]), np.array([0, 1, 9])]
    for cell, chosen in zip(cells, rows, strict=True):
        write_scores(tmp_path / cell.name, chosen, chosen / 100)
    labels = np.where(np.arange(len(data)) < 8, np.arange(len(data)) % 2, np.nan).astype(float)
    cohort = np.where(np.arange(len(data)) < 5, "internal", "external")
    table = gather(tmp_path, cells, data.units, labels, cohort=cohort, study="own", outcome="label")
    write_predictions(tmp_path, table)

    assert table.columns[: len(PREDICTION_COLUMNS)] == list(PREDICTION_COLUMNS)
    order = np.concatenate(rows)
    assert table["unit_id"].to_list() == data.units["unit_id"].gather(order).to_list()
    assert table["subject_id"].to_list() == data.units["pseudonym"].gather(order).to_list()
    assert table["diameter_mm"].to_list() == data.units["diameter_mm"].gather(order).to_list()
    assert table["score"].to_list() == [0.05, 0.02, 0.0, 0.01, 0.09]
    assert table["label"].to_list() == [1, 0, 0, 1, None]
    assert table["cohort"].to_list() == ["external", "internal", "internal", "internal", "external"]
    assert table["arm"].to_list() == ["a", "a", "b", "b", "b"]
    assert table["seed"].to_list() == [0, 0, 3, 3, 3]
    assert pl.read_parquet(tmp_path / "predictions.parquet").equals(table)
