"""The map against a forest fitted by hand, and that its intervals are of what it missed in structures left out."""

from dataclasses import replace
from typing import get_args

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import RandomForestRegressor

from semeia.learning.advice.map import FAMILY, LEAF, SHARE, TREES, Map, load_map, matrix
from semeia.learning.advice.placing import MEASURES, Place
from semeia.worlds.world import Structure

AT = Place(
    aligned=0.8,
    rest=0.65,
    whole=0.75,
    directions=3,
    fourth=0.2,
    strength=1.0,
    kept=0.1,
    lost=0.1,
    told=0.1,
    paired=900,
    labels=200,
    rarer=60,
)


@pytest.fixture(scope="module")
def chart() -> Map:
    """The shipped map."""
    return load_map()


def test_what_halves_of_one_modality_share_counts_as_nothing():
    halves = replace(AT, alone=True).terms()

    assert {name for name, value in halves.items() if value == 0} == {
        "aligned", "beyond", "saved", "carried", "kept", "lost", "promise", "two",
    }  # fmt: skip
    assert AT.terms()["promise"] == pytest.approx(0.15 * 60 / 80 * np.log(900 / 200))


def test_what_is_expected_is_a_forest_of_all_worlds(chart: Map):
    rows = [Place(**row).terms() for row in chart.worlds.select(MEASURES).iter_rows(named=True)]
    by_hand = RandomForestRegressor(TREES, min_samples_leaf=LEAF, max_features=SHARE, random_state=0)
    by_hand.fit([list(row.values()) for row in rows], chart.worlds["frozen_found"].to_numpy())
    more = replace(AT, labels=400).terms()

    found = chart.expect("frozen", [AT.terms(), more])
    assert [one.value for one in found] == by_hand.predict(matrix([AT.terms(), more])).tolist()


def test_an_interval_is_of_the_errors_in_structures_left_out(chart: Map):
    (found,) = chart.expect("scratch", [AT.terms()])
    errors = chart.worlds["scratch_found"] - chart.worlds["scratch_expected"]

    assert found.low == pytest.approx(found.value + np.quantile(errors, 0.1))
    assert found.high == pytest.approx(found.value + np.quantile(errors, 0.9))
    assert found.chance == pytest.approx((errors + found.value > 0.01).mean())
    assert chart.r("scratch") == pytest.approx(chart.worlds.select(pl.corr("scratch_found", "scratch_expected")).item())


def test_the_shipped_map_is_of_every_structure(chart: Map):
    assert set(chart.worlds[FAMILY]) == set(get_args(Structure))
    assert chart.gains == ["scratch", "guarded", "frozen", "ridge"]
    assert not sum(chart.worlds.null_count().row(0))
    assert set(chart.usual()) == set(AT.terms())
    assert "paired" in chart.outside(replace(AT, paired=10**9))
    assert chart.outside(AT) == []
