"""The table of case mix: what is in it, that it names nobody, and that it speaks of the stratum."""

import numpy as np
import polars as pl
import pytest

from prediction_tables import predictions
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.judged import judge
from semeia.evaluation.statistics.calibration import clipped_logit
from semeia.evaluation.tables.case_mix import case_mix
from semeia.evaluation.tables.columns import TABLES

QUICK = EvaluationSettings(draws=100, covariate="diameter_mm")


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return predictions(patients=100, seeds=2)


@pytest.fixture(scope="module")
def found(table) -> pl.DataFrame:
    return case_mix(judge(table, settings=QUICK))


def test_what_describes_a_cohort(table, found):
    assert found.schema == pl.Schema(TABLES["case_mix"])
    assert not found.select(pl.selectors.float().is_nan().any()).row(0).count(True)
    own = found.filter(arm="", cohort="external")
    units = table.filter(cohort="external", arm="model").unique("unit_id")
    values = {(r["characteristic"], r["measure"], r["level"]): r["value"] for r in own.iter_rows(named=True)}
    assert values["units", "count", ""] == units.height
    assert values["patients", "count", ""] == units["subject_id"].n_unique()
    assert values["prevalence", "share", ""] == pytest.approx(units["label"].mean())
    assert values["diameter_mm", "median", ""] == pytest.approx(units["diameter_mm"].median(), rel=5e-3)
    assert values["site", "share", "GE"] == pytest.approx((units["site"] == "GE").mean())
    home = found.filter(arm="", cohort="internal")
    assert home.filter(compared_with="").height == home.height


def test_what_belongs_to_an_arm(table, found):
    mine = found.filter(arm="model", cohort="external")
    assert set(mine["characteristic"]) == {"linear predictor", "performance", "membership model"}
    folds = table.filter(cohort="external", arm="model").partition_by("seed")
    spread = np.mean([clipped_logit(fold["score"].to_numpy()).std() for fold in folds])
    assert mine.filter(measure="standard deviation")["value"].item() == pytest.approx(spread)
    member = mine.filter(characteristic="membership model").row(0, named=True)
    assert member["low"] < member["value"] < member["high"]
    assert member["compared_with"] == "internal"


def test_auroc_does_not_move_with_the_prevalence_and_the_rest_does(table):
    rare = table.filter((pl.col("cohort") == "internal") | (pl.col("label") == 0) | (pl.col("unit_id").hash() % 3 == 0))
    mine = case_mix(judge(rare, settings=QUICK)).filter(cohort="external", arm="model", characteristic="performance")
    own, home = (
        dict(mine.filter(level=f"{at} prevalence").select("measure", "value").iter_rows()) for at in ("own", "home")
    )
    assert own["auroc"] == home["auroc"]
    assert home["ppv"] > own["ppv"]
    assert home["npv"] < own["npv"]
    assert home["o_e"] > own["o_e"]


def test_it_names_nobody(table):
    named = table.with_columns(pl.col("subject_id").alias("name"), ward=pl.lit("A"))
    judged = judge(named, settings=QUICK)
    text = case_mix(judged).write_csv() + "".join(judged.notes.lines())
    assert not any(subject in text for subject in table["subject_id"].unique())


def test_a_stratum_and_a_single_cohort(table):
    judged = judge(table, settings=EvaluationSettings(draws=100, where="site = 'GE'"))
    found = case_mix(judged)
    assert set(found["stratum"]) == {"site = 'GE'"}
    assert found.filter(characteristic="site")["value"].to_list() == [1.0, 1.0, 0.0]
    alone = case_mix(judge(table.filter(cohort="internal"), settings=QUICK))
    assert set(alone["compared_with"]) == {""}
    assert not alone.is_empty()
