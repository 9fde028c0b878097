"""The table of recalibrations: fitted inside on other patients, judged in every cohort."""

import numpy as np
import polars as pl
import pytest
from scipy.special import expit, logit

from prediction_tables import predictions, view_of
from semeia.evaluation.judged import Judged, judge
from semeia.evaluation.settings import EvaluationSettings
from semeia.evaluation.statistics.calibration import calibration
from semeia.evaluation.statistics.recalibration import fit_recalibration, recalibrated

METRICS = ("intercept", "slope", "ici", "brier", "o_e")


def judged(frame: pl.DataFrame) -> Judged:
    return judge(frame, settings=EvaluationSettings(draws=100, covariate=None))


def table_of(frame: pl.DataFrame) -> dict[tuple[str, str, str], float]:
    rows = view_of("recalibration", judged(frame)).select("cohort", "method", "metric", "value").iter_rows()
    return {(cohort, method, metric): value for cohort, method, metric, value in rows}


@pytest.mark.parametrize("seeds", [1, 4])
def test_it_removes_what_recalibration_can_remove(seeds):
    frame = predictions(arms={"model": 1.5}, seeds=seeds, patients=150)
    # log-odds four times as large and shifted: too extreme, and too high.
    frame = frame.with_columns(score=pl.Series(expit(4 * logit(frame["score"].to_numpy()) + 1)))
    found = table_of(frame)
    assert len(found) == 2 * 4 * len(METRICS)
    for cohort in ("internal", "external"):
        assert abs(found[cohort, "intercept", "intercept"]) < abs(found[cohort, "none", "intercept"])
        assert abs(found[cohort, "logistic", "slope"] - 1) < 0.3 < abs(found[cohort, "none", "slope"] - 1)
        assert found[cohort, "logistic", "ici"] < found[cohort, "none", "ici"]
        assert found[cohort, "logistic", "brier"] < found[cohort, "none", "brier"]
        assert abs(found[cohort, "isotonic", "o_e"] - 1) < abs(found[cohort, "none", "o_e"] - 1)


def test_outside_it_is_the_fit_on_the_other_seeds_internal_rows():
    frame = predictions(arms={"model": 1.0}, seeds=3, patients=90)
    given = judged(frame).table
    internal, external = (given.filter(pl.col("cohort") == name) for name in ("internal", "external"))
    slopes = []
    for seed in range(3):
        fit, use = internal.filter(pl.col("seed") != seed), external.filter(pl.col("seed") == seed)
        numbers = np.arange(fit.height)
        rule = fit_recalibration("logistic", fit["label"].to_numpy(), fit["score"].to_numpy(), patient=numbers)
        again = recalibrated(rule, use["score"].to_numpy(), patient=np.arange(use.height) + fit.height)
        slopes.append(calibration(use["label"].to_numpy(), again)[1])
    assert table_of(frame)["external", "logistic", "slope"] == pytest.approx(np.mean(slopes), abs=1e-4)


@pytest.mark.parametrize("seeds", [1, 3])
def test_nobodys_label_mends_their_own_score(seeds):
    """A patient whose label would change everything if it were fitted on changes nothing about others' rows."""
    frame = predictions(arms={"model": 1.0}, seeds=seeds, patients=60)
    shared = frame.filter(pl.col("cohort") == "internal")["subject_id"][0]
    both = frame.with_columns(
        subject_id=pl.when((pl.col("cohort") == "external") & (pl.col("subject_id") == "external-0"))
        .then(pl.lit(shared))
        .otherwise(pl.col("subject_id"))
    )
    # a patient of both cohorts is left out of the fit, not refused.
    assert ("external", "isotonic", "ici") in table_of(both)


def test_without_an_internal_cohort_nothing_is_fitted():
    given = judged(predictions(arms={"model": 1.0}, seeds=1, cohorts=("here", "there")))
    assert view_of("recalibration", given).is_empty()
    assert any(line.startswith("recalibration left out") for line in given.notes.lines())


def test_too_few_to_fit_is_a_note():
    frame = predictions(arms={"model": 1.0}, seeds=1, patients=4, cohorts=("internal",))
    given = judged(frame)
    table = view_of("recalibration", given)
    assert set(table["method"]) <= {"none"}
    assert any("recalibration left out" in line for line in given.notes.lines())
