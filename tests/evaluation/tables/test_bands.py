"""Columns cut into levels: every row in exactly one, clinical cut points, thirds that name nobody."""

import numpy as np
import polars as pl
import pytest

from prediction_tables import predictions
from semeia.evaluation.schema import check_predictions
from semeia.evaluation.strata import levels


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    table = check_predictions(predictions())
    n = table.height
    return table.with_columns(
        age=pl.Series(rng.integers(20, 90, n)),
        n_scans=pl.Series(rng.integers(1, 5, n)),
        record_density=pl.Series(rng.lognormal(3, 1, n)),
        sex=pl.Series(rng.choice(["F", "M", None], n)),
        code=pl.Series([f"c{i}" for i in range(n)]),
        weight=pl.Series(np.where(rng.random(n) < 0.1, np.nan, rng.normal(70, 10, n))),
    )


@pytest.mark.parametrize("column", ["age", "n_scans", "record_density", "sex", "diameter_mm", "site", "weight"])
def test_every_row_is_in_exactly_one_level(table, column):
    found = levels(table, column)
    assert np.array_equal(np.sum([level.rows for level in found], axis=0), np.ones(table.height))
    assert all(level.rows.any() for level in found)


def test_clinical_cut_points(table):
    assert [level.text for level in levels(table, "age")] == [
        "below 50",
        "50 to below 65",
        "65 to below 75",
        "75 and above",
    ]
    eight = levels(table.with_columns(diameter_mm=pl.lit(8.0)), "diameter_mm")
    assert [level.text for level in eight] == ["8 to below 15"]


def test_few_values_are_levels_and_words_sort(table):
    assert [level.text for level in levels(table, "n_scans")] == ["1", "2", "3", "4"]
    assert [level.text for level in levels(table, "sex")] == ["F", "M", "missing"]


def test_thirds_are_about_equal_and_rounded(table):
    found = levels(table, "record_density")
    assert len(found) == 3
    assert [level.rows.mean() for level in found] == pytest.approx([1 / 3] * 3, abs=0.1)
    assert "below" in found[0].text
    assert len(found[0].text.split()[-1]) <= 5


def test_missing_numbers_are_a_level(table):
    assert [level.text for level in levels(table, "weight")][-1] == "missing"


def test_a_column_of_many_words_has_no_levels(table):
    assert levels(table, "code") == []
