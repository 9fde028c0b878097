"""The table of what is called what: against scikit-learn, over seeds, and with small cells hidden."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import confusion_matrix

from grade_tables import grade_predictions
from prediction_tables import predictions
from semeia.evaluation import EvaluationSettings, evaluate

QUICK = EvaluationSettings(draws=100)
SCORES = ["score_0", "score_1", "score_2"]


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return grade_predictions(k=3, patients=120, seeds=2, arms={"model": 0.8})


@pytest.mark.parametrize("cohort", ["internal", "external"])
def test_counts_and_shares_equal_sklearn(table, cohort):
    rows = table.filter(cohort=cohort)
    # two seeds inside test other patients, outside they predict the same units.
    seeds = 1 if cohort == "internal" else 2
    matrix = confusion_matrix(rows["label"], rows.select(SCORES).to_numpy().argmax(axis=1)) / seeds
    found = evaluate(table, settings=QUICK).tables["confusion"].filter(cohort=cohort)
    shown = found.filter(state="shown")
    assert found.height == 9
    assert shown.height >= 5
    for row in found.filter(pl.col("state") != "suppressed").iter_rows(named=True):
        count = matrix[row["label"], row["called"]]
        assert row["share"] == pytest.approx(count / matrix[row["label"]].sum())
        assert count == 0 or row["low"] <= row["share"] <= row["high"]
        assert row["count"] == (count if row["state"] == "shown" else None)
        assert (row["n_patients"] or 10) >= 10


def test_small_cells_are_hidden_and_cannot_be_worked_out():
    # Of class 0, 12 patients are called right, 11 called 1 and one called 2; of the others all are called right.
    label = [0] * 24 + [1] * 12 + [2] * 12
    called = [0] * 12 + [1] * 11 + [2] + [1] * 12 + [2] * 12
    scores = np.where(np.eye(3)[called] == 1, 0.8, 0.1)
    frame = pl.DataFrame({"subject_id": range(48), "label": label} | dict(zip(SCORES, scores.T, strict=True)))
    found = evaluate(frame, settings=QUICK)
    table = found.tables["confusion"].filter(label=0)
    assert table["state"].to_list() == ["shown", "counts withheld", "suppressed"]
    assert table["n_patients"].to_list() == [12, None, None]
    assert table["count"].to_list() == [12, None, None]
    assert table["share"].to_list() == [0.5, pytest.approx(11 / 24), None]
    right = found.tables["confusion"].filter(label=1)
    assert right["state"].to_list() == ["shown"] * 3
    assert right["share"].to_list() == [0, 1, 0]
    # All 12 of 12: draws never differ, so the bound is the exact one (Clopper and Pearson 1934).
    assert right["low"].to_list() == [None, pytest.approx(0.025 ** (1 / 12)), None]
    assert found.notes == ("cells of the confusion matrix hidden, few patients stand in them: label, model (1)",)


def test_patients_are_a_mean_over_seeds_that_predict_the_same(table):
    rows = table.filter(cohort="external").with_columns(
        called=pl.Series(table.filter(cohort="external").select(SCORES).to_numpy().argmax(axis=1))
    )
    each = rows.group_by("label", "called", "seed").agg(pl.col("subject_id").n_unique())
    means = each.group_by("label", "called").agg((pl.col("subject_id").sum() / 2).floor().cast(pl.Int64))
    found = evaluate(table, settings=QUICK).tables["confusion"].filter(cohort="external", state="shown")
    joined = found.join(means, on=["label", "called"])
    assert joined["n_patients"].to_list() == joined["subject_id"].to_list()
    assert (found["count"] >= found["n_patients"]).all()


def test_ten_patients_show_no_counts_and_hold_no_nan():
    scores = np.random.default_rng(0).dirichlet(np.ones(3), 10)
    frame = pl.DataFrame({"subject_id": range(10), "label": [0, 1] * 5} | dict(zip(SCORES, scores.T, strict=True)))
    table = evaluate(frame, settings=QUICK).tables["confusion"]
    assert table["label"].unique().sort().to_list() == [0, 1]
    assert table.filter(pl.col("share") > 0)["count"].null_count() == table.filter(pl.col("share") > 0).height
    assert not table.select(pl.selectors.float().is_nan().any()).row(0).count(True)


def test_a_binary_outcome_has_none():
    assert "confusion" not in evaluate(predictions(seeds=1, patients=30), settings=QUICK).tables
