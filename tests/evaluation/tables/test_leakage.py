"""What a table of predictions alone tells of leakage."""

import polars as pl

from prediction_tables import predictions
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.judged import judge
from semeia.evaluation.tables.columns import TABLES
from semeia.evaluation.tables.leakage import leakage

QUICK = EvaluationSettings(draws=100)
SHARED, SAME = "Patients in two cohorts", "Identical scores under two patients"


def audit(table: pl.DataFrame) -> dict[str, dict]:
    found = leakage(judge(table, settings=QUICK))
    assert found.schema == pl.Schema(TABLES["leakage"])
    return {row["check"]: row for row in found.iter_rows(named=True)}


def test_a_clean_table_is_clear():
    found = audit(predictions())
    assert {row["state"] for row in found.values()} == {"clear"}
    assert found[SHARED]["of"] == 120


def test_a_patient_in_two_cohorts_is_found():
    table = predictions()
    ids = table["subject_id"].unique(maintain_order=True)
    moved = table.with_columns(pl.col("subject_id").replace({ids[0]: ids[-1]}))
    assert (audit(moved)[SHARED]["state"], audit(moved)[SHARED]["count"]) == ("found", 1)


def test_one_image_under_two_patients_is_found_by_its_scores():
    table = predictions()
    unit = table.filter(pl.col("cohort") == "external").row(0, named=True)
    twin = table.filter(pl.col("unit_id") == unit["unit_id"], pl.col("cohort") == "external")
    copied = pl.concat([table, twin.with_columns(subject_id=pl.lit("another"))])
    assert (audit(copied)[SAME]["state"], audit(copied)[SAME]["count"]) == ("found", 2)


def test_scores_that_are_often_tied_say_nothing():
    table = predictions().with_columns(pl.col("score").round(1))
    assert audit(table)[SAME]["state"] == "unknown"


def test_one_cohort_shares_nobody_with_another():
    table = predictions().filter(pl.col("cohort") == "internal")
    assert audit(table)[SHARED]["state"] == "unknown"
