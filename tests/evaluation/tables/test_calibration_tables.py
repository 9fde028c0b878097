"""The tables of calibration: what is in a row, how seeds are joined, and that nothing undefined is in them."""

import numpy as np
import polars as pl
import pytest

from prediction_tables import predictions, view_of
from semeia.evaluation.judged import Judged, judge
from semeia.evaluation.settings import EvaluationSettings
from semeia.evaluation.statistics.brier_parts import BRIER_PARTS, brier_parts_draws
from semeia.evaluation.statistics.calibration_curve import (
    CALIBRATION_ERRORS,
    calibration_curve_draws,
    flexible_calibration,
    ici_draws,
)

MEASURES = (*CALIBRATION_ERRORS, *BRIER_PARTS)


def judged(frame: pl.DataFrame) -> Judged:
    return judge(frame, settings=EvaluationSettings(draws=100, covariate=None))


def rows_of(frame: pl.DataFrame, *, cohort: str, arm: str = "model") -> pl.DataFrame:
    return frame.filter(pl.col("cohort") == cohort, pl.col("arm") == arm)


@pytest.fixture(scope="module")
def made() -> Judged:
    return judged(predictions(seeds=3, patients=80))


def value(table: pl.DataFrame, metric: str, cohort: str) -> float:
    return rows_of(table, cohort=cohort).filter(pl.col("metric") == metric)["value"].item()


def ici(frame: pl.DataFrame) -> float:
    prepared = flexible_calibration(frame["label"].to_numpy(), frame["score"].to_numpy())
    return ici_draws(prepared, prepared.weights(np.ones((1, len(frame)))))[0]


def test_folds_are_pooled_and_repeated_predictions_averaged(made):
    table = view_of("calibration", made)
    internal = rows_of(made.table, cohort="internal")
    label, score = internal["label"].to_numpy(), internal["score"].to_numpy()
    ones = np.ones((1, len(label)))
    assert value(table, "ici", "internal") == pytest.approx(ici(internal))
    assert value(table, "brier", "internal") == pytest.approx(brier_parts_draws(label, score, ones)[0, 0])
    by_seed = [ici(each) for each in rows_of(made.table, cohort="external").partition_by("seed")]
    assert value(table, "ici", "external") == pytest.approx(np.mean(by_seed))


def test_every_measure_has_its_interval_and_its_counts(made):
    table = view_of("calibration", made)
    assert set(table["metric"]) == {*MEASURES, "ici_by_chance"}
    assert table.height == 2 * 2 * (len(MEASURES) + 1)
    assert table.null_count().sum_horizontal().item() == 0
    assert (table["low"] <= table["high"]).all()
    one = rows_of(table, cohort="external").row(0, named=True)
    external = rows_of(made.table, cohort="external").filter(pl.col("seed") == 0)
    assert (one["n"], one["n_positive"]) == (external.height, external["label"].sum())


def test_the_curve_is_that_of_the_pooled_rows(made):
    table = rows_of(view_of("calibration_curves", made), cohort="internal")
    internal = rows_of(made.table, cohort="internal")
    label, score = internal["label"].to_numpy(), internal["score"].to_numpy()
    grid = table["predicted"].to_numpy()
    prepared = flexible_calibration(label, score)
    points = prepared.weights(np.ones((1, len(label))))
    expected = calibration_curve_draws(prepared, points, grid=grid)[0]
    np.testing.assert_allclose(table["observed"], expected)
    assert (table["low"] <= table["high"]).all()
    assert grid[0] == pytest.approx(np.quantile(score, 0.025))


def test_only_the_largest_fraction_is_there():
    frame = predictions(arms={"model": 1.0}, seeds=2)
    small = frame.with_columns(fraction=pl.lit(0.5))
    assert set(view_of("calibration", judged(pl.concat([frame, small])))["fraction"]) == {1.0}


@pytest.mark.parametrize("labels", ["one class", "perfect"])
def test_what_has_no_curve_is_left_out_with_a_note(labels):
    frame = predictions(arms={"model": 1.0}, seeds=1, cohorts=("all",))
    if labels == "one class":
        frame = frame.with_columns(label=pl.lit(0))
    else:
        frame = frame.with_columns(score=0.1 + 0.8 * pl.col("label"))
    given = judged(frame)
    assert view_of("calibration_curves", given).is_empty()
    measures = view_of("calibration", given)
    assert measures.is_empty() or "ici" not in measures["metric"]
    assert not measures["value"].is_nan().any()
    assert any("calibration_curve" in line for line in given.notes.lines())


def test_ten_patients_and_one_score_are_handled():
    frame = predictions(arms={"model": 1.0}, seeds=1, patients=10, cohorts=("all",))
    for each in (frame, frame.with_columns(score=pl.lit(0.4))):
        for table in (view_of("calibration_curves", judged(each)), view_of("calibration", judged(each))):
            numbers = table.select(pl.col(pl.Float64))
            assert not any(numbers[name].is_nan().any() for name in numbers.columns)
    # all ten patients have units of one class, of the other only some: without an interval there is no curve
    assert view_of("calibration_curves", judged(frame.with_columns(score=pl.lit(0.4)))).height <= 1
