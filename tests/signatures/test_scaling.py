"""Scaling: the rule of every mode, against plain numpy on the full matrix; fallbacks; fills; kept in JSON."""

import json

import numpy as np
import polars as pl
import pytest

from semeia.errors import InputError
from semeia.signatures.channels import Channels
from semeia.signatures.curves import SectionValues
from semeia.signatures.scaling import SCALES, ModeScale, Scaling, scaling_from
from signatures_values import CHANNELS, ROWS, cut, dense, fit_scaling, random_values

AT = {code: channel for channel, code in CHANNELS.table.select("channel", "code").iter_rows()}


def column(values: SectionValues, code: str) -> np.ndarray:
    return values.value[values.channel == AT[code]]


@pytest.mark.parametrize("parts", [1, 7])
def test_every_mode_has_its_rule(parts: int):
    values = random_values(np.random.default_rng(0))
    scaling = fit_scaling(cut(values, parts), CHANNELS)
    rows_of = dense(scaling, values)

    def expected(code: str, standardised: np.ndarray) -> None:
        rows = values.row[values.channel == AT[code]]
        assert rows_of[rows, AT[code]] == pytest.approx(standardised, rel=1e-9, abs=1e-9)

    for code in ("age", "L/1", "L/2"):
        own = column(values, code)
        expected(code, (own - own.mean()) / (2 * own.std()))
    for code in ("sex=F", "sex=M", "RACE//X"):
        expected(code, column(values, code))
    full = np.zeros((ROWS, 2))
    for at, code in enumerate(("C/1", "C/2")):
        full[values.row[values.channel == AT[code]], at] = column(values, code)
    for code in ("C/1", "C/2"):
        expected(code, np.log10(column(values, code) + 1e-6) / (2 * np.log10(full + 1e-6).std()))
    full = np.zeros((ROWS, 2))
    for at, code in enumerate(("D/1", "D/2")):
        full[values.row[values.channel == AT[code]], at] = column(values, code)
    for code in ("D/1", "D/2"):
        expected(code, column(values, code) / (2 * full.std()))


def test_what_is_absent_is_filled_on_the_same_scale():
    values = random_values(np.random.default_rng(1))
    scaling = fit_scaling([values], CHANNELS)

    filled = dict(zip(AT, scaling.fill[list(AT.values())], strict=True))

    assert filled["C/1"] == 1 / (20 * 365.25)
    assert filled["D/1"] == filled["sex=F"] == filled["RACE//X"] == 0.0
    for code in ("L/1", "age"):
        assert filled[code] == pytest.approx(np.median(column(values, code)), rel=1 / 2000)
    empty = SectionValues(np.zeros(0, int), np.zeros(0, np.int32), np.zeros(0), 1)
    assert np.array_equal(dense(scaling, empty)[0], scaling.fill_row)
    everything = np.arange(len(CHANNELS))
    assert np.array_equal(scaling.fill_row, scaling.standardised(everything, scaling.fill))


def test_the_codes_own_fill_comes_first():
    own = pl.when(pl.col("code") == "L/1").then(99.0).when(pl.col("code") == "C/1").then(0.25).otherwise("fill")
    scaling = fit_scaling([random_values(np.random.default_rng(2))], Channels(CHANNELS.table.with_columns(fill=own)))

    assert (scaling.fill[AT["L/1"]], scaling.fill[AT["C/1"]]) == (99.0, 0.25)
    assert scaling.fill[AT["C/2"]] == 1 / (20 * 365.25)


def test_who_never_had_a_condition_is_never_taken_to_have_it_more_often_than_who_did():
    values = random_values(np.random.default_rng(2))
    once_in_60_years = 1 / (60 * 365.25)
    rare = np.where(values.channel == AT["C/2"], once_in_60_years, values.value)
    scaling = fit_scaling([SectionValues(values.row, values.channel, rare, values.rows)], CHANNELS)

    assert scaling.fill[AT["C/1"]] == scaling.fill[AT["C/2"]] == once_in_60_years
    assert scaling.fill[AT["D/1"]] == 0.0


def test_a_constant_channel_becomes_zero_and_an_unseen_one_too():
    values = random_values(np.random.default_rng(3))
    kept = values.channel != AT["L/2"]
    value = np.where(values.channel == AT["L/1"], 7.5, values.value)
    values = SectionValues(values.row[kept], values.channel[kept], value[kept], values.rows)

    scaling = fit_scaling([values], CHANNELS)

    assert np.flatnonzero(scaling.constant).tolist() == sorted([AT["L/1"], AT["L/2"]])
    assert not dense(scaling, values)[:, [AT["L/1"], AT["L/2"]]].any()


def test_many_negative_values_take_no_logarithm():
    logged = SCALES | {"measurement": ModeScale("channel", "median", centre=True, log=True)}
    values = random_values(np.random.default_rng(4))
    moved = np.where(values.channel == AT["L/2"], values.value - 140, values.value)
    values = SectionValues(values.row, values.channel, moved, values.rows)

    scaling = fit_scaling([values], CHANNELS, scales=logged)

    assert scaling.log[AT["L/1"]]
    assert not scaling.log[AT["L/2"]]
    own = np.log10(column(values, "L/1") + 1e-6)
    assert scaling.shift[AT["L/1"]] == pytest.approx(own.mean())
    assert scaling.scale[AT["L/2"]] == pytest.approx(2 * column(values, "L/2").std())


def test_what_was_fitted_survives_json():
    scaling = fit_scaling([random_values(np.random.default_rng(5))], CHANNELS)

    again = scaling_from(json.loads(json.dumps(scaling.as_json())))

    assert isinstance(again, Scaling)
    assert again.as_json() == scaling.as_json()
    assert again.fill_row.tobytes() == scaling.fill_row.tobytes()


@pytest.mark.parametrize("change", [{"log": None}, {"scale": [1.0]}, {"fill": ["x"]}])
def test_damaged_json(change: dict[str, object]):
    content = fit_scaling([random_values(np.random.default_rng(5))], CHANNELS).as_json() | change
    with pytest.raises(InputError, match="scaling: damaged"):
        scaling_from({name: part for name, part in content.items() if part is not None})


def test_no_sections():
    with pytest.raises(InputError, match="no training sections"):
        fit_scaling([], CHANNELS)
