"""evaluate() on times to an event: what is asked, how it is read and refused, against the arrays' statistics."""

import numpy as np
import polars as pl
import pytest

from prediction_tables import times_to_event
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings, check_predictions, evaluate, roc_curve
from semeia.evaluation.schema import time_to_event
from semeia.evaluation.statistics.discrimination import auroc_draws
from semeia.evaluation.statistics.survival import c_index_draws, cases_at, follow_up, weights_at

SETTINGS = EvaluationSettings(draws=100, horizon=2.0, references=("plain",), thresholds=(0.1, 0.5, 0.2))
WITHOUT_HORIZON = {"c_index", "c_index_uno"}
AT_HORIZON = {"auroc_at_horizon", "brier_at_horizon", "observed_expected_at_horizon"}


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return times_to_event()


@pytest.fixture(scope="module")
def found(table):
    return evaluate(table, settings=SETTINGS)


def test_order_of_rows_changes_nothing(table, found):
    again = evaluate(table.sample(fraction=1.0, shuffle=True, seed=3), settings=SETTINGS)
    assert again.estimates.equals(found.estimates)
    assert again.results.equals(found.results)


def test_its_metrics_and_no_others_with_contrasts(found):
    results = found.results
    assert set(results.filter(reference="")["metric"]) == WITHOUT_HORIZON | AT_HORIZON
    compared = WITHOUT_HORIZON | {"auroc_at_horizon", "brier_at_horizon", "c_index_detectable_difference"}
    assert set(results.filter(reference="plain")["metric"]) == compared
    assert set(found.estimates["contrast"]) == {"level", "minus reference", "minus home", "gap minus gap"}
    assert (results["n_positive"] > 0).all()
    bounded = results.filter(~pl.col("metric").str.contains("detectable"))
    assert ((bounded["low"] < bounded["value"]) & (bounded["value"] < bounded["high"])).all()
    assert set(found.tables) == {"decision_curves", "transport", "leakage"}
    assert set(found.tables["decision_curves"]["threshold"]) == {0.1, 0.3, 0.5}


def test_values_are_those_of_the_arrays(table, found):
    rows = table.filter(arm="better", cohort="external")
    score = rows["score"].to_numpy()
    followed = follow_up(rows["time"].to_numpy(), rows["event"].to_numpy(), score)
    ones, case = np.ones((1, rows.height)), cases_at(followed, 2.0)
    known = weights_at(followed, ones, horizon=2.0)
    harrell, uno = c_index_draws(followed, ones, horizon=2.0)[0]
    expected = {
        "c_index": harrell,
        "c_index_uno": uno,
        "auroc_at_horizon": auroc_draws(case, score, known)[0],
        "brier_at_horizon": (known[0] @ (score - case) ** 2) / rows.height,
        "observed_expected_at_horizon": (known[0] @ case) / score.sum(),
    }
    mine = found.results.filter(arm="better", cohort="external", reference="")
    assert dict(mine.select("metric", "value").iter_rows()) == pytest.approx(expected)
    assert mine["n_positive"].unique().to_list() == [case.sum()]


def test_without_a_horizon_only_concordance(table):
    found = evaluate(table, settings=EvaluationSettings(draws=100))
    assert set(found.results["metric"]) == WITHOUT_HORIZON
    assert any("--horizon" in note for note in found.notes)


def test_a_label_of_its_own_makes_it_an_outcome_of_two_classes(table):
    checked = check_predictions(table)
    assert time_to_event(checked)
    assert time_to_event(check_predictions(checked))
    assert roc_curve(checked).is_empty()
    later = table.with_columns(label=(pl.col("time") > 1).cast(pl.Int64))
    assert not time_to_event(check_predictions(later))


def test_refusals(table):
    with pytest.raises(InputError, match="column time, row 3: is not a time from 0 on"):
        check_predictions(table.with_columns(time=pl.when(pl.int_range(pl.len()) == 2).then(-1.0).otherwise("time")))
    with pytest.raises(InputError, match="label, row 1: is neither 0 nor 1"):
        check_predictions(table.with_columns(event=pl.lit(2)))
    with pytest.raises(InputError, match="horizon is 0"):
        EvaluationSettings(horizon=0.0)
