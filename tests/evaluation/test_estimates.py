"""The tidy table: one row an estimate, unique by its keys, with the numbers of results and tables."""

import polars as pl
import pytest

from prediction_tables import predictions
from semeia.evaluation import EvaluationSettings, evaluate
from semeia.evaluation.rows import ESTIMATE_COLUMNS

KEYS = list(ESTIMATE_COLUMNS)[: list(ESTIMATE_COLUMNS).index("value")]


@pytest.fixture(scope="module")
def evaluation():
    return evaluate(predictions(), settings=EvaluationSettings(draws=100, references=("baseline",), by="site"))


def test_a_row_is_known_by_its_keys_and_method(evaluation):
    estimates = evaluation.estimates
    assert estimates.schema == pl.Schema(ESTIMATE_COLUMNS)
    assert not estimates.select(pl.struct(*KEYS, "method").is_duplicated()).to_series().any()
    assert set(estimates["contrast"]) == {"level", "minus reference", "minus home", "gap minus gap"}


def test_every_result_and_every_net_benefit_stands_in_it(evaluation):
    estimates, results = evaluation.estimates, evaluation.results
    of_results = ["study", "outcome", "arm", "mode", "fraction", "cohort", "stratum", "reference"]
    mine = estimates.join(
        results, left_on=[*of_results, "estimand", "method"], right_on=[*of_results, "metric", "interval_method"]
    )
    assert mine.filter(pl.col("value") == pl.col("value_right")).height >= results.height
    curves = evaluation.tables["decision_curves"]
    rows = estimates.filter(pl.col("estimand").str.starts_with("net_benefit"))
    treated = curves.filter(pl.col("strategy") != "treat_none")
    assert sorted(rows["value"]) == sorted(treated["net_benefit"])


def test_the_test_of_a_difference_has_its_p_and_family(evaluation):
    tests = evaluation.estimates.filter(pl.col("p").is_not_null(), pl.col("subgroup") == "")
    assert tests["p_adjusted"].to_list() == evaluation.tables["comparisons"]["p_holm"].to_list()
    assert set(tests["contrast"]) == {"minus reference"}
    assert (tests["family"] != "").all()
