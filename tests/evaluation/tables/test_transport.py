"""The gap between cohorts: values, independent draws, paired differences of gaps, what is left out."""

import numpy as np
import polars as pl
import pytest

from prediction_tables import predictions, view_of
from semeia.evaluation import EvaluationSettings, evaluate
from semeia.evaluation.contrasts import gap_draws
from semeia.evaluation.judged import judge
from semeia.evaluation.statistics.intervals import detectable_difference
from semeia.evaluation.tables.columns import TABLES

SETTINGS = EvaluationSettings(draws=200, covariate="diameter_mm", references=("baseline",))


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return predictions(patients=100, seeds=2)


@pytest.fixture(scope="module")
def gaps(table) -> pl.DataFrame:
    return view_of("transport", judge(table, settings=SETTINGS))


def test_both_ends_are_those_of_the_results(table, gaps):
    assert gaps.schema == pl.Schema(TABLES["transport"])
    results = evaluate(table, settings=SETTINGS).results
    levels = {(r["arm"], r["cohort"], r["metric"]): r for r in results.filter(reference="").iter_rows(named=True)}
    own = gaps.filter(reference="", arm="model")
    assert set(own["metric"]) == {
        "auroc",
        "auprc",
        "brier",
        "calibration_slope",
        "calibration_intercept",
        "sensitivity",
        "specificity",
        "auroc_gain_over_diameter_mm",
    }
    for row in own.iter_rows(named=True):
        for end, cohort in (("inside", "internal"), ("outside", "external")):
            level = levels["model", cohort, row["metric"]]
            known = (level["value"], level["low"], level["high"])
            assert (row[end], row[f"{end}_low"], row[f"{end}_high"]) == pytest.approx(known)
        assert row["gap"] == pytest.approx(row["outside"] - row["inside"])
        assert row["low"] <= row["gap"] <= row["high"]


def test_what_could_have_been_shown_stands_beside_a_gap_that_was_not(gaps):
    for row in gaps.iter_rows(named=True):
        assert (row["detectable"] is not None) == (row["low"] <= 0 <= row["high"])
        if row["metric"] == "auroc" and row["detectable"]:
            about = detectable_difference((row["high"] - row["low"]) / 3.92)
            assert row["detectable"] == pytest.approx(about, rel=0.25)


def test_the_variance_of_a_gap_is_the_sum_of_both():
    rng = np.random.default_rng(0)
    # the same draws twice, as cohorts of one size drawn from one seed could have.
    values = np.concatenate([[0.0], rng.normal(size=4000)])
    drawn = gap_draws(values, values, number=4000)[1:4001]
    assert drawn.std() == pytest.approx(np.sqrt(2) * values[1:].std(), rel=0.05)


def test_groups_left_out_of_either_cohort_follow_the_draws():
    inside, outside = np.array([0.9, 0.8, 1.0, 0.85, 0.95]), np.array([0.7, 0.6, 0.8, 0.75])
    gap = gap_draws(inside, outside, number=2)
    assert gap == pytest.approx([-0.2, 0.6 - 1.0, 0.8 - 0.8, 0.75 - 0.9, 0.7 - 0.85, 0.7 - 0.95])
    bca = EvaluationSettings(draws=100, covariate="diameter_mm", interval="bca")
    rows = view_of("transport", judge(predictions(), settings=bca)).filter(metric="auroc")
    assert (rows["low"] < rows["gap"]).all()
    assert (rows["gap"] < rows["high"]).all()


def test_differences_of_gaps_are_paired(gaps):
    arms = {arm: gaps.filter(arm=arm, reference="", metric="auroc").row(0, named=True) for arm in ("model", "baseline")}
    both = gaps.filter(reference="baseline", arm="model", metric="auroc").row(0, named=True)
    assert both["gap"] == pytest.approx(arms["model"]["gap"] - arms["baseline"]["gap"])
    assert both["inside"] == pytest.approx(arms["model"]["inside"] - arms["baseline"]["inside"])
    assert set(gaps.filter(reference="baseline")["metric"]) == {"auroc", "auprc", "brier"}
    assert gaps.filter(reference="baseline", arm="baseline").is_empty()


def test_an_arm_like_its_reference_loses_the_same(table):
    twin = table.filter(arm="model").with_columns(arm=pl.lit("twin"))
    settings = EvaluationSettings(draws=100, covariate="diameter_mm", references=("twin",))
    judged = judge(pl.concat([table, twin]), settings=settings)
    found = view_of("transport", judged)
    gaps = {arm: found.filter(arm=arm, reference="")["gap"].to_list() for arm in ("model", "twin")}
    assert gaps["model"] == gaps["twin"]
    # their difference is 0 in every draw: it has no interval, and the table says nothing of it
    assert found.filter(reference="twin", arm="model").is_empty()
    assert any("no interval: the same in every draw" in line for line in judged.notes.lines())


def test_arms_that_predicted_other_units_are_compared_on_those_of_both(table):
    some = table.filter((pl.col("arm") == "model") | (pl.col("unit_id").hash() % 4 > 0))
    judged = judge(some, settings=SETTINGS)
    rows = view_of("transport", judged).filter(reference="baseline", metric="auroc", arm="model")
    common = table.filter(pl.col("unit_id").hash() % 4 > 0)
    whole = view_of("transport", judge(common, settings=SETTINGS)).filter(
        reference="baseline", metric="auroc", arm="model"
    )
    assert rows["gap"].item() == pytest.approx(whole["gap"].item())
    assert any("units both predicted" in line for line in judged.notes.lines())


def test_without_a_home_cohort_there_is_no_gap(table):
    named = table.with_columns(pl.col("cohort").replace({"internal": "a", "external": "b"}))
    judged = judge(named, settings=SETTINGS)
    assert view_of("transport", judged).is_empty()
    assert any("transport left out" in line for line in judged.notes.lines())
    assert view_of("transport", judge(table.filter(cohort="internal"), settings=SETTINGS)).is_empty()
