"""Scores of cells become one table: each row with its own unit, label and cohort."""

from pathlib import Path

import numpy as np

from semeia.data.dataset import Dataset
from semeia.evaluation.schema import PREDICTION_COLUMNS
from semeia.learning.cells import Cell
from semeia.studies.run.gather import gather, write_scores
from semeia.studies.run.study import OUTCOME, Material


def material(data: Dataset, **labels: np.ndarray) -> Material:
    """The first five units are internal; everybody is tested."""
    nobody = np.zeros(len(data), bool)
    cohort = np.where(np.arange(len(data)) < 5, "internal", "external")
    return Material(data.units, cohort, labels, lambda seed: ~nobody)


def test_gather(data: Dataset, tmp_path: Path):
    cells = [Cell("a", "none", 0.5, 0), Cell("b", "frozen", 1.0, 3)]
    rows = [np.array([5, 2]), np.array([0, 1, 9])]
    for cell, chosen in zip(cells, rows, strict=True):
        write_scores(tmp_path / cell.name, chosen, chosen / 100)
    labels = np.where(np.arange(len(data)) < 8, np.arange(len(data)) % 2, np.nan).astype(float)
    studied = material(data, outcome=labels)
    table = gather(tmp_path, cells, studied, study="own", passed_on=("diameter_mm", "not_there"))

    assert table.columns == [*PREDICTION_COLUMNS, "diameter_mm"]
    order = np.concatenate(rows)
    assert table["unit_id"].to_list() == data.units["unit_id"].gather(order).to_list()
    assert table["subject_id"].to_list() == data.units["pseudonym"].gather(order).to_list()
    assert table["diameter_mm"].to_list() == data.units["diameter_mm"].gather(order).to_list()
    assert table["score"].to_list() == [0.05, 0.02, 0.0, 0.01, 0.09]
    assert table["label"].to_list() == [1, 0, 0, 1, None]
    assert table["cohort"].to_list() == ["external", "internal", "internal", "internal", "external"]
    assert table["arm"].to_list() == ["a", "a", "b", "b", "b"]
    assert table["seed"].to_list() == [0, 0, 3, 3, 3]
    assert set(table["outcome"]) == {"outcome"}


def test_each_outcome_has_its_own_labels_and_number_of_classes(data: Dataset, tmp_path: Path):
    cells = [Cell("a", "none", 1.0, 0), Cell("a", "none", 1.0, 0, ((OUTCOME, "death"),))]
    write_scores(tmp_path / cells[0].name, np.array([3]), np.array([[0.2, 0.3, 0.5]]))
    write_scores(tmp_path / cells[1].name, np.array([3, 4]), np.array([0.7, 0.1]))
    grades, deaths = np.full(len(data), 2.0), np.full(len(data), 1.0)
    table = gather(tmp_path, cells, material(data, grade=grades, death=deaths), study="own")
    assert table["outcome"].to_list() == ["grade", "death", "death"]
    assert table["label"].to_list() == [2, 1, 1]
    assert table["score"].to_list() == [None, 0.7, 0.1]
    assert table.select("score_0", "score_1", "score_2").rows() == [(0.2, 0.3, 0.5), (None,) * 3, (None,) * 3]
