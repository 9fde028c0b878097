"""What every analysis takes: places, their rows, and what was cross-fitted."""

import numpy as np
import polars as pl
import pytest

from prediction_tables import predictions
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings, check_predictions, evaluate
from semeia.evaluation.judged import in_canonical_order, judge

QUICK = EvaluationSettings(draws=100, covariate="diameter_mm")


def test_one_place_a_cohort_with_its_patients_and_cells():
    table = predictions()
    judged = judge(table, settings=QUICK)
    assert [place.cohort for place in judged.places] == ["internal", "external"]
    assert [place.inside for place in judged.places] == [True, False]
    for place in judged.places:
        rows = table.filter(pl.col("cohort") == place.cohort)
        assert len(place.draws.strata) == rows["subject_id"].n_unique()
        assert sum(len(fold.label) for folds in place.cells.values() for fold in folds.values()) == rows.height
        assert not any(np.isnan(fold.called).any() for folds in place.cells.values() for fold in folds.values())
    assert judged.outcomes() == {(judged.places[0].study, judged.places[0].outcome): list(judged.places)}


def test_where_restricts_what_is_judged_not_what_is_fitted():
    table = predictions()
    whole, part = (judge(table, settings=EvaluationSettings(draws=100, where=w)) for w in (None, "diameter_mm > 10"))
    cell = next(iter(whole.places[0].folds))
    assert len(part.places[0].cells[cell][0].label) < len(whole.places[0].cells[cell][0].label)
    np.testing.assert_array_equal(part.places[0].folds[cell][0].called, whole.places[0].folds[cell][0].called)


def test_full_keeps_the_largest_fraction_of_each_arm():
    table = predictions()
    tenth = table.with_columns(fraction=pl.lit(0.1))
    judged = judge(pl.concat([tenth, table]), settings=QUICK)
    assert {cell.fraction for cell in judged.places[0].cells} == {0.1, 1.0}
    assert {cell.fraction for cell in judged.places[0].full} == {1.0}


def test_bca_intervals_come_with_their_name():
    found = evaluate(predictions(), settings=EvaluationSettings(draws=100, interval="bca")).results
    assert found.filter(pl.col("low").is_not_null())["interval_method"].str.contains("BCa").all()
    assert found["value"].is_finite().all()


@pytest.mark.parametrize("settings", [{"prevalence": 1.0}, {"thresholds": (0.5, 0.2, 0.1)}])
def test_settings_no_evaluation_could_use_are_refused(settings: dict):
    with pytest.raises(InputError, match=next(iter(settings))):
        EvaluationSettings(**settings)


def test_patients_are_numbered_by_what_is_said_of_them_beside_the_scores_not_by_their_names():
    table = check_predictions(
        pl.DataFrame(
            {
                "subject_id": ["a", "b", "a", "c"],
                "unit_id": ["1", "2", "3", "4"],
                "label": [1, 0, 0, 0],
                "score": [0.5, 0.1, 0.2, 0.1],
                "age": [50, 60, 50, 70],
            }
        )
    )
    renamed = table.with_columns(pl.col("subject_id").replace({"a": "z", "b": "y", "c": "x"}))
    other_arm = table.with_columns(arm=pl.lit("first"), score=1 - pl.col("score"))

    def by_unit(table: pl.DataFrame) -> list[int]:
        ordered, number = in_canonical_order(table)
        return ordered.with_columns(n=number).filter(arm="model").sort("unit_id")["n"].to_list()

    numbers = by_unit(table)
    assert sorted(set(numbers)) == [0, 1, 2]
    assert numbers[0] == numbers[2]
    for same in (renamed, table.reverse(), pl.concat([other_arm, table])):
        assert by_unit(same) == numbers
