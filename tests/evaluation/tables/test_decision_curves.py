"""The table of decision curves: its rows against the array level, differences paired, nothing undefined."""

import numpy as np
import polars as pl
import pytest

from prediction_tables import predictions, view_of
from semeia.evaluation.judged import judge
from semeia.evaluation.settings import EvaluationSettings
from semeia.evaluation.statistics.net_benefit import net_benefit_draws

SETTINGS = EvaluationSettings(draws=100, covariate=None, references=("baseline",), thresholds=(0.1, 0.9, 0.1))


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return predictions(seeds=3, patients=60)


@pytest.fixture(scope="module")
def table(frame) -> pl.DataFrame:
    return view_of("decision_curves", judge(frame, settings=SETTINGS))


def curve(table: pl.DataFrame, cohort: str, strategy: str, *, arm: str = "", reference: str = "") -> np.ndarray:
    rows = table.filter(
        pl.col("cohort") == cohort,
        pl.col("strategy") == strategy,
        pl.col("arm") == arm,
        pl.col("reference") == reference,
    )
    return rows.sort("threshold")["net_benefit"].to_numpy()


def test_every_strategy_has_every_threshold(table):
    # a cohort: two arms, each minus treating all, one minus the baseline; treating all and nobody.
    assert table.height == 2 * (2 + 2 + 1 + 2) * 9
    assert table["threshold"].unique().sort().to_list() == [number / 10 for number in range(1, 10)]
    assert table.null_count().sum_horizontal().item() == 0
    assert (table["low"] <= table["high"]).all()


@pytest.mark.parametrize("cohort", ["internal", "external"])
def test_values_and_paired_differences(table, frame, cohort):
    grid = np.arange(1, 10) / 10
    rows = frame.filter(pl.col("cohort") == cohort)

    def benefit(arm):
        parts = rows.filter(pl.col("arm") == arm).partition_by("seed")
        parts = [pl.concat(parts)] if cohort == "internal" else parts
        return np.mean(
            [
                net_benefit_draws(
                    p["label"].to_numpy(), p["score"].to_numpy(), np.ones((1, p.height)), thresholds=grid
                )[0]
                for p in parts
            ],
            axis=0,
        )

    model, share = benefit("model"), rows.unique("unit_id")["label"].mean()
    everybody = share - (1 - share) * grid / (1 - grid)
    np.testing.assert_allclose(curve(table, cohort, "model", arm="model"), model)
    np.testing.assert_allclose(curve(table, cohort, "treat_all"), everybody)
    np.testing.assert_allclose(curve(table, cohort, "model", arm="model", reference="treat_all"), model - everybody)
    apart = model - benefit("baseline")
    np.testing.assert_allclose(curve(table, cohort, "model", arm="model", reference="baseline"), apart)
    assert not curve(table, cohort, "treat_none").any()


def test_a_difference_is_taken_on_the_units_both_predicted(frame):
    half = frame.filter((pl.col("arm") == "model") | (pl.col("unit_id").str.contains("[1357]$")))
    table = view_of("decision_curves", judge(half, settings=SETTINGS))
    rows = table.filter(pl.col("reference") == "baseline", pl.col("cohort") == "external")
    assert rows["n"].unique().to_list() == [
        half.filter(pl.col("arm") == "baseline", pl.col("cohort") == "external")["unit_id"].n_unique()
    ]


def test_ten_patients_of_one_class_are_handled():
    few = predictions(arms={"baseline": 1.0}, seeds=1, patients=10, cohorts=("all",)).with_columns(label=pl.lit(0))
    table = view_of("decision_curves", judge(few, settings=SETTINGS))
    assert not table["net_benefit"].is_nan().any()
    assert (curve(table, "all", "model", arm="baseline") <= 0).all()
