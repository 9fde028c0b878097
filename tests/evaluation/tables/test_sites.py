"""The table of sites: each site's AUROC, the summary over them, small sites named and left out."""

import numpy as np
import polars as pl
import pytest
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from prediction_tables import predictions, view_of
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.judged import judge
from semeia.evaluation.statistics.random_effects import summarise_sites
from semeia.evaluation.tables.columns import TABLES

QUICK = EvaluationSettings(draws=200)


def with_sites(frame: pl.DataFrame, count: int) -> pl.DataFrame:
    number = frame["subject_id"].str.extract(r"(\d+)$").cast(pl.Int64)
    return frame.with_columns(site="site " + (number % count).cast(pl.String))


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return with_sites(predictions(patients=200, seeds=2), 4)


@pytest.fixture(scope="module")
def found(table) -> pl.DataFrame:
    return view_of("sites", judge(table, settings=QUICK))


def test_each_site_and_the_summary(table, found):
    assert found.schema == pl.Schema(TABLES["sites"])
    mine = found.filter(cohort="external", arm="model")
    assert mine["kind"].to_list() == ["site"] * 4 + ["summary"]
    first = mine.row(0, named=True)
    rows = table.filter(cohort="external", arm="model", site=first["site"])
    expected = np.mean([roc_auc_score(f["label"], f["score"]) for f in rows.partition_by("seed")])
    assert first["value"] == pytest.approx(expected)
    assert (first["n"], first["n_patients"]) == (rows["unit_id"].n_unique(), rows["subject_id"].n_unique())
    assert mine["weight"].sum() == pytest.approx(1)


def test_the_summary_is_that_of_the_logits(found):
    mine = found.filter(cohort="external", arm="model")
    each, summary = mine.filter(kind="site"), mine.filter(kind="summary").row(0, named=True)
    # the errors are not in the table: on the logit scale about a quarter of the width of the interval.
    error = (logit(each["high"]) - logit(each["low"])) / 3.92
    about = summarise_sites(logit(each["value"].to_numpy()), np.asarray(error))
    assert summary["value"] == pytest.approx(expit(about.mean), abs=0.01)
    assert summary["low"] < summary["value"] < summary["high"]
    assert summary["predict_low"] <= summary["low"]
    assert summary["high"] <= summary["predict_high"]
    assert summary["sites"] == 4


def test_small_sites_are_named_and_their_size_cannot_be_worked_out(table):
    number = pl.col("subject_id").str.extract(r"(\d+)$").cast(pl.Int64)
    small = table.with_columns(site=pl.when(number < 8).then(pl.lit("tiny")).otherwise("site"))
    judged = judge(small, settings=QUICK)
    found = view_of("sites", judged).filter(kind="site", cohort="external", arm="model")
    assert "tiny" not in found["site"].to_list()
    assert any("tiny" in line for line in judged.notes.lines())
    assert found["n"].null_count() == 1


def test_cohorts_of_one_site_each_are_summarised_together():
    frame = predictions(cohorts=("internal", "north", "south"), patients=80, seeds=1)
    frame = frame.with_columns(site=pl.col("cohort"))
    found = view_of("sites", judge(frame, settings=QUICK)).filter(arm="model")
    assert found.filter(kind="site")["cohort"].to_list() == ["internal", "north", "south"]
    summary = found.filter(kind="summary").row(0, named=True)
    assert summary["cohort"] == "every cohort but internal"
    assert summary["sites"] == 2


def test_one_site_or_none_gives_no_table(table):
    assert view_of("sites", judge(table.with_columns(site=pl.lit("a")), settings=QUICK)).is_empty()
    assert view_of("sites", judge(table.drop("site"), settings=QUICK)).is_empty()
    some = table.with_columns(site=pl.when(pl.col("site") == "site 0").then(None).otherwise("site"))
    judged = judge(some, settings=QUICK)
    assert "site 0" not in view_of("sites", judged)["site"].to_list()
    assert any("without a site" in line for line in judged.notes.lines())
