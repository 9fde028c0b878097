"""The map's study at its smallest: made-up worlds in, a map and its left-out figures out."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from semeia.learning.advice import map as advice_map
from semeia.learning.advice.map import Map, load_map
from semeia.studies.advise_map import advise_study, halves, held_out, judged
from semeia.studies.advise_worlds import FAMILIES, GAINS, WIDTHS, AdviserMapSettings, configuration
from semeia.worlds.sweep.finetuning import SmallFinetuning
from semeia.worlds.sweep.pretraining import SmallPretraining

TINY = AdviserMapSettings(
    worlds=1,
    seed=1,
    draws=2,
    test=200,
    pretraining=SmallPretraining(hidden=8, width=4, predictor=8, steps=3, batch=16),
    finetuning=SmallFinetuning(steps=3, batch=16, every=1),
)


def test_a_map_is_fitted_and_written_and_a_second_run_trains_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(advice_map, "TREES", 5)
    said = advise_study(out=tmp_path, settings=TINY)

    chart = Map(pl.read_csv(tmp_path / "worlds.csv"))
    assert (chart.worlds["structure"].to_list(), chart.gains) == (list(FAMILIES), list(GAINS))
    assert said.startswith("9 made-up worlds of 9 structures; each left out in turn.")
    assert all(f"| {family} |" in said for family in FAMILIES)
    assert "The shipped map, of 324 other worlds, here; each structure left out of it." in said
    (kept,) = tmp_path.glob("trained-*.parquet")
    before = kept.stat().st_mtime_ns
    assert advise_study(out=tmp_path, settings=TINY) == said
    assert kept.stat().st_mtime_ns == before


def test_what_is_shipped_is_what_its_rows_say():
    chart = load_map()
    again = held_out(chart, Map(chart.worlds.filter(structure="risk").drop(pl.col("^.*_expected$")))).worlds
    assert again["scratch_expected"].to_list() == chart.worlds.filter(structure="risk")["scratch_expected"].to_list()


def test_what_others_expect_of_a_structure_hangs_on_none_of_its_worlds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(advice_map, "TREES", 5)
    chart = load_map()
    other = pl.when(pl.col("structure") == "risk").then(pl.col("scratch_found") + 1).otherwise("scratch_found")
    moved = Map(chart.worlds.with_columns(scratch_found=other))
    one, two = (held_out(given, given).worlds for given in (chart, moved))
    same = (one["scratch_expected"] == two["scratch_expected"]).to_numpy()
    assert same[one["structure"] == "risk"].all()
    assert not same[one["structure"] != "risk"].all()


def test_worlds_are_drawn_from_seed_structure_and_number():
    assert configuration("dial", 3, 0) == configuration("dial", 3, 0)
    assert configuration("dial", 3, 0) != configuration("dial", 4, 0)
    blends = {configuration("risk", number, 0).world.latents for number in range(20)}
    assert blends == {"block"}
    drawn = [configuration("workup", number, 0) for number in range(60)]
    assert {(one.world.image, 0 if one.alone else one.world.record) for one in drawn} == set(WIDTHS)
    assert min(one.labels for one in drawn) < 60
    assert max(one.labels for one in drawn) > 700
    for one in drawn:
        share = min(one.world.prevalence, 1 - one.world.prevalence)
        assert one.labels * share * (1 - one.missing.share) >= 11


def test_halves_of_an_image_alone_are_the_views():
    one = next(one for one in (configuration("common", number, 0) for number in range(12)) if one.alone)
    people = one.patients("test", 50)

    assert people.image.shape == people.record.shape == (50, one.world.image // 2)
    assert not np.isnan(people.record).any()


def test_a_row_of_figures_is_what_it_says():
    family = np.array(["ab"[row % 2] for row in range(8)])
    gain = np.array([0.0, 0.02, 0.04, 0.06, 0.0, 0.02, 0.04, 0.06])
    row = judged("scratch", gain[:, None] + [0.001, -0.001], gain + 0.001, family)

    # Found .03 (.022) on average; expected always .001 too high; a constant is the other family's mean.
    assert row.startswith("| scratch | 0.030 (0.022) | 1.00 | 1.00 | 0.0010 (-95%) | 0.0200 |")
    assert row.endswith(" | 1.00 |")  # a gain above .01 is expected where there is one
    noise = np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert halves(noise) == pytest.approx(-1)
