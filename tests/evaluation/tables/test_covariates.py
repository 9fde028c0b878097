"""Which columns describe units, and that no value few patients share can be told."""

from datetime import date

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from prediction_tables import predictions
from semeia.evaluation.notes import Notes
from semeia.evaluation.schema import check_predictions
from semeia.evaluation.tables.characteristics import OTHER, RARE, covariates_of, pooled_names


def test_numbers_and_words_are_told_apart_and_the_rest_is_left_out():
    table = check_predictions(predictions())
    n = table.height
    table = table.with_columns(
        grade=pl.Series(np.arange(n) % 3),
        born=pl.lit(date(1950, 1, 1)),
        name=pl.Series([f"person {i}" for i in range(n)]),
        empty=pl.lit(None, dtype=pl.Float64),
        smoker=pl.Series(np.arange(n) % 2 == 0),
        weight=pl.Series(np.where(np.arange(n) % 5 == 0, np.inf, 70.0 + np.arange(n) % 20)),
    )
    notes = Notes()
    found = {c.name: c for c in covariates_of(table, notes)}
    assert set(found) == {"site", "diameter_mm", "grade", "smoker", "weight"}
    assert found["diameter_mm"].numbers is not None
    assert found["diameter_mm"].words is None
    assert found["grade"].words is not None
    assert found["smoker"].numbers is None
    weight = found["weight"].numbers
    assert weight is not None
    assert np.isnan(weight).sum() == np.ceil(n / 5)
    assert notes.lines() == ("column left out of the case mix, it holds dates, lists or too many values: born; name",)


def test_rare_values_are_pooled_with_the_next_smallest_where_they_must_be():
    patients = np.array([[50, 40], [9, 20], [30, 12], [8, 15]])
    # seventeen patients are pooled: nobody can be told.
    assert pooled_names(patients, list("abcd")) == ["a", RARE, "c", RARE]
    # three alone, or seven, would follow from the total: the next smallest joins them.
    assert pooled_names(np.array([[50], [3], [20]]), list("abc")) == ["a", OTHER, OTHER]
    assert pooled_names(np.array([[50], [3], [20], [4]]), list("abcd")) == ["a", OTHER, OTHER, OTHER]
    assert pooled_names(np.array([[50, 0], [10, 60]]), list("ab")) == ["a", "b"]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=7))
def test_no_group_is_small_in_a_cohort_unless_it_is_all_of_it(rows):
    patients = np.array(rows)
    called = pooled_names(patients, [f"level {i}" for i in range(len(rows))])
    for name in set(called):
        together = patients[[other == name for other in called]].sum(axis=0)
        assert ((together == 0) | (together >= 10) | (together == patients.sum(axis=0))).all()
