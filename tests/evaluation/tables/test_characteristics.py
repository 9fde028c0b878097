"""Descriptions of a cohort: the interval of its prevalence against statsmodels, covariates by hand."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from semeia.evaluation.tables.characteristics import Units, clustered_wilson, numbers, sizes, words


def units(label, patient=None) -> Units:
    n = len(label)
    return Units(np.arange(n), np.arange(n) if patient is None else patient, np.array(label, dtype=np.int8))


@given(st.integers(1, 60), st.data())
def test_one_unit_a_patient_is_wilson(n, data):
    positive = data.draw(st.integers(0, n))
    label = np.arange(n) < positive
    expected = proportion_confint(positive, n, method="wilson")
    assert clustered_wilson(label, np.arange(n)) == pytest.approx(expected, abs=1e-9)


def test_units_that_only_repeat_a_patient_add_nothing():
    label = np.arange(50) < 18
    once = clustered_wilson(label, np.arange(50))
    assert clustered_wilson(np.repeat(label, 3), np.repeat(np.arange(50), 3)) == pytest.approx(once)


def test_its_coverage_in_clusters():
    rng = np.random.default_rng(0)
    held = []
    for _ in range(400):
        risk = rng.beta(1, 2, 60)
        patient = np.repeat(np.arange(60), 3)
        low, high = clustered_wilson(rng.random(180) < risk[patient], patient)
        held.append(low <= 1 / 3 <= high)
    assert 0.92 <= np.mean(held) <= 0.98


def test_sizes():
    found = {f.characteristic: f.value for f in sizes(units([1, 0, 1, 0], np.array([0, 0, 1, 2])), level=0.95)}
    assert found == {"units": 4, "patients": 3, "units a patient": pytest.approx(4 / 3), "prevalence": 0.5}


def test_numbers_are_rounded_and_compared():
    rng = np.random.default_rng(0)
    value = np.append(rng.normal(1234567, 1000, 40), rng.normal(1235567, 1000, 40))
    value[0] = np.nan
    home = Units(np.arange(40), np.arange(40), np.zeros(40, dtype=np.int8))
    there = Units(np.arange(40, 80), np.arange(40), np.zeros(40, dtype=np.int8))
    found = {f.measure: f.value for f in numbers("mrn", value, there, home)}
    one, other = value[1:40], value[40:]
    apart = (other.mean() - one.mean()) / np.sqrt((other.var(ddof=1) + one.var(ddof=1)) / 2)
    assert found["standardised mean difference"] == pytest.approx(apart)
    assert found["median"] == 1240000.0
    # one missing value of a cohort is a small count.
    assert "missing" not in {f.measure for f in numbers("mrn", value, home, None)}
    assert found["missing"] == 0
    few = Units(np.arange(9), np.arange(9), np.zeros(9, dtype=np.int8))
    assert numbers("mrn", value, few, None) == []


def test_words_are_shares_pooled_alike_in_both_cohorts():
    series = pl.Series(["a"] * 30 + ["b"] * 28 + ["c"] * 2 + ["a"] * 20 + ["b"] * 30 + ["c"] * 10)
    cohorts = {
        "internal": Units(np.arange(60), np.arange(60), np.zeros(60, dtype=np.int8)),
        "external": Units(np.arange(60, 120), np.arange(60), np.zeros(60, dtype=np.int8)),
    }
    found = words("sex", series, cohorts, home="internal")
    assert {f.level: f.value for f in found["internal"]} == {"a": 0.5, "other": 0.5}
    there = {f.level or f.measure: f.value for f in found["external"]}
    third = pytest.approx(1 / 3)
    assert there == {"a": third, "other": pytest.approx(2 / 3), "largest difference of shares": pytest.approx(1 / 6)}
