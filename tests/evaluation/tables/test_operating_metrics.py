"""The table of operating points against scikit-learn and against counting the calls."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_curve

from prediction_tables import predictions, view_of
from semeia.evaluation import EvaluationSettings, evaluate
from semeia.evaluation.judged import judge
from semeia.evaluation.tables.columns import TABLES


def _table(table: pl.DataFrame, **changes) -> pl.DataFrame:
    return view_of("operating_points", judge(table, settings=EvaluationSettings(draws=200, **changes)))


def _value(table: pl.DataFrame, **values) -> dict:
    return table.row(by_predicate=pl.all_horizontal(pl.col(k) == v for k, v in values.items()), named=True)


def test_fixed_points_are_those_of_the_curve_averaged_over_seeds():
    table = predictions(arms={"model": 1.5}, seeds=3)
    found = _table(table, fixed_points=(0.8,))
    assert found.columns == list(TABLES["operating_points"])
    for cohort in ("internal", "external"):
        sensitivity, specificity = [], []
        for fold in table.filter(cohort=cohort).partition_by("seed"):
            false, true, _ = roc_curve(fold["label"], fold["score"], drop_intermediate=False)
            sensitivity.append(true[1 - false >= 0.8 - 1e-9].max())
            specificity.append((1 - false)[true >= 0.8 - 1e-9].max())
        one = _value(found, cohort=cohort, metric="sensitivity_at_specificity", at=0.8)
        assert one["value"] == pytest.approx(np.mean(sensitivity))
        assert one["low"] < one["value"] < one["high"]
        other = _value(found, cohort=cohort, metric="specificity_at_sensitivity", at=0.8)
        assert other["value"] == pytest.approx(np.mean(specificity))


def test_predictive_values_follow_from_the_carried_threshold_and_the_prevalence():
    table = predictions(arms={"model": 1.5}, seeds=1, patients=100)
    found = _table(table, prevalence=0.1)
    levels = evaluate(table, settings=EvaluationSettings(draws=200, covariate=None)).results
    for cohort in ("internal", "external"):
        sensitivity, specificity = (
            _value(levels, cohort=cohort, metric=metric)["value"] for metric in ("sensitivity", "specificity")
        )
        ppv = sensitivity * 0.1 / (sensitivity * 0.1 + (1 - specificity) * 0.9)
        npv = specificity * 0.9 / (specificity * 0.9 + (1 - sensitivity) * 0.1)
        assert _value(found, cohort=cohort, metric="ppv", at=0.1)["value"] == pytest.approx(ppv)
        assert _value(found, cohort=cohort, metric="npv", at=0.1)["value"] == pytest.approx(npv)


def test_prevalence_is_by_default_that_of_the_cohort_the_threshold_is_chosen_on():
    table = predictions(seeds=2)
    found = _table(table)
    units = table.filter(cohort="internal").unique("unit_id")
    for cohort in ("internal", "external"):
        assert _value(found, arm="model", cohort=cohort, metric="ppv")["at"] == pytest.approx(units["label"].mean())


def test_only_the_largest_label_fraction_and_nothing_undefined():
    half = predictions(seeds=1).with_columns(fraction=pl.lit(0.5))
    found = _table(pl.concat([predictions(seeds=1), half]))
    assert found["fraction"].unique().to_list() == [1.0]
    assert not any(found[name].is_null().any() or found[name].is_nan().any() for name in ("value", "low", "high"))


def test_without_a_cohort_to_choose_a_threshold_on_there_are_no_predictive_values():
    found = _table(predictions(seeds=1, cohorts=("east", "west")))
    assert set(found["metric"]) == {"sensitivity_at_specificity", "specificity_at_sensitivity"}


def test_rows_of_one_class_are_left_out_in_words():
    table = predictions(seeds=1, cohorts=("internal",)).with_columns(label=pl.lit(1))
    judged = judge(table, settings=EvaluationSettings(draws=200))
    assert view_of("operating_points", judged).is_empty()
    assert any("undefined on these rows" in line for line in judged.notes.lines())
