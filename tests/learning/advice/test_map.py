"""The map against least squares, and that what it says of a family was not learnt from it."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from semeia.learning.advice.map import PENALTIES, READS, Line, choose, fit_line, load_map
from semeia.learning.advice.placing import Place
from semeia.worlds.world import Structure

RNG = np.random.default_rng(0)
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
TERMS = {name: RNG.standard_normal(30) * scale for scale, name in enumerate(AT.terms(), 1)}
FAMILY = np.array([("a", "b", "c")[row % 3] for row in range(30)])
GAIN = 0.1 * TERMS["aligned"] + 0.05 * TERMS["told"] - 0.02 * TERMS["labels"] + 0.3 + 0.01 * RNG.standard_normal(30)


def test_what_is_read_is_what_tells_of_families_left_out():
    assert choose(TERMS, GAIN, FAMILY) == (("labels", "told", "aligned"), PENALTIES[0])
    saved = 0.1 * TERMS["saved"] + 0.05 * TERMS["beyond"]
    assert choose(TERMS, saved, FAMILY)[0] == ("saved", "beyond", "two")
    assert set().union(*READS) <= set(AT.terms())


def test_what_halves_of_one_modality_share_counts_as_nothing():
    halves = replace(AT, alone=True).terms()

    assert {name for name, value in halves.items() if value == 0} == {
        "aligned", "beyond", "saved", "carried", "kept", "lost", "promise", "two",
    }  # fmt: skip
    assert AT.terms()["promise"] == pytest.approx(0.15 * 60 / 80 * np.log(900 / 200))


def test_a_line_is_ridge_regression():
    line, _ = fit_line(TERMS, GAIN, FAMILY)
    x = np.stack([TERMS[name] for name in line.reads], 1)
    z = np.column_stack([np.ones(30), (x - x.mean(0)) / x.std(0)])
    weights = np.linalg.solve(z.T @ z + np.diag([0, *[PENALTIES[0]] * 3]), z.T @ GAIN)

    at = {name: values[4] for name, values in TERMS.items()}
    assert line.at(at).value == pytest.approx(z[4] @ weights, abs=1e-4)


def test_a_family_is_expected_by_the_others_alone():
    line, before = fit_line(TERMS, GAIN, FAMILY)
    own = FAMILY == "b"
    _, after = fit_line(TERMS, np.where(own, GAIN * TERMS["strength"], GAIN), FAMILY)

    np.testing.assert_allclose(after[own], before[own])
    assert line.r == pytest.approx(np.corrcoef(GAIN, before)[0, 1], abs=1e-3)
    assert not np.allclose(after[~own], before[~own])


def test_an_interval_is_of_the_errors_of_families_left_out():
    errors = tuple(np.linspace(-0.1, 0.1, 21))
    line = Line(("told",), mean=(0.0,), sd=(1.0,), weights=(0.0,), intercept=0.02, errors=errors, r=0.5)
    found = line.at(AT.terms())

    assert (found.value, found.low, found.high) == pytest.approx((0.02, -0.06, 0.10))
    assert found.chance == pytest.approx(11 / 21)  # errors above -.01: from 0 (with rounding) on


def test_the_shipped_map_can_be_read():
    chart = load_map()

    assert set(chart.families) == set(get_args(Structure))
    assert set(chart.low) == set(chart.high) == set(chart.usual) == set(AT.terms())
    for line in chart.lines.values():
        assert len(line.errors) == chart.worlds >= 50
        assert len(line.reads) == len(line.weights) == len(line.mean) == len(line.sd)
        assert set(line.reads) <= set(AT.terms())
    assert "paired" in chart.outside(replace(AT, paired=10**9))
    assert "paired" not in chart.outside(AT)
