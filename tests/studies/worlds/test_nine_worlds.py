"""The study of worlds and the sweep, from the command line to the page, on few and small made-up patients."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from semeia.errors import InputError
from semeia.studies.worlds.nine_worlds import WORKUP_LABELS, judge, places_of_study, worlds_study
from semeia.studies.worlds.page import title_of
from semeia.studies.worlds.sweep import MapSettings, SweepSettings, sweep_worlds
from semeia.worlds.sweep.condition import Condition
from semeia.worlds.sweep.estimates import Areas
from semeia.worlds.sweep.finetuning import SmallFinetuning
from semeia.worlds.sweep.pretraining import SmallPretraining

SMALL = Condition(
    unlabelled=800,
    labelled_images=100,
    test=150,
    pretraining=SmallPretraining(hidden=8, width=4, predictor=8, steps=40, batch=32),
    finetuning=SmallFinetuning(steps=20, batch=16, every=10),
    boosting=False,
)


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("worlds") / "run"
    settings = MapSettings(seeds=(3,), labels=(40,), condition=SMALL, workers=1)
    assert worlds_study(out=folder, settings=settings) == folder / "report.html"
    return folder


def test_the_study_ends_with_every_criterion_and_its_verdict(study: Path):
    criteria = pl.read_csv(study / "criteria.csv")
    assert criteria.height == 11
    assert set(criteria["verdict"]) <= {"holds", "fails"}
    assert criteria["figure"].str.contains(r"\d\.\d\d").all()
    text = (study / "report.html").read_text(encoding="utf-8")
    for words in ("Made-up patients throughout", "of 11 hold.", "By workup", "What can be seen without labels"):
        assert words in text
    assert "<script" not in text


def test_its_tables_hold_levels_and_paired_differences_with_intervals(study: Path):
    table = pl.read_csv(study / "map.csv", schema_overrides={"value": pl.String})
    assert set(table["cohort"]) == {"internal", "kappa 0.25", "kappa 0", "kappa -0.25"}
    levels = table.filter(pl.col("reference").is_null() | (pl.col("reference") == ""))
    assert {"scratch", "ema_finetune", "ema_frozen", "ridge", "canonical", "best_simple"} <= set(levels["arm"])
    assert (table["low"] <= table["auroc"] + 1e-9).mean() > 0.9  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
    assert set(table["seeds"]) == {1}
    about = json.loads((study / "run.json").read_text(encoding="utf-8"))
    assert about["config"]["condition"]["unlabelled"] == 800
    image = levels.filter((pl.col("arm") == "image_only") & (pl.col("sweep") == "workup"))
    assert image.group_by("value").agg(pl.col("auroc").n_unique())["auroc"].to_list() == [1, 1]  # no site moves it


def test_a_sweep_crosses_values_with_labels_and_draws_the_map(tmp_path: Path):
    settings = SweepSettings(seeds=(0,), labels=(40, 60), condition=SMALL, workers=1, sweeps=("unmapped",))
    page = sweep_worlds(out=tmp_path, settings=settings).read_text(encoding="utf-8")
    assert page.count('class="matrix"') == 4
    assert pl.read_csv(tmp_path / "label_equivalence.csv").height == 12
    table = pl.read_csv(tmp_path / "map.csv", schema_overrides={"value": pl.String})
    assert set(table["value"]) == {"0.0", "0.3", "0.6"}
    assert set(table["cohort"]) == {"internal", "unmapped 0.0", "unmapped 0.3", "unmapped 0.6"}


def planted(**of: float) -> dict:
    """What the study would read where everything comes as expected, but for the areas given."""
    areas = {
        "common": {"ema_finetune": 0.8, "scratch": 0.7, "ema_frozen": 0.85},
        "unshared": {"ema_finetune": 0.6, "scratch": 0.6, "ema_frozen": 0.5},
        "apart": {
            **{"ema_finetune": 0.66, "scratch": 0.65, "ema_frozen": 0.6, "random_frozen": 0.6},
            "incomplete_finetune": 0.7,
        },
        "home": {"ema_finetune": 0.85, "image_only": 0.7},
        "away": {"ema_finetune": 0.65, "image_only": 0.7},
    }
    for name, value in of.items():
        place, _, arm = name.partition("_")
        areas[place][arm] = value
    rng = np.random.default_rng(0)
    noise = 0.001 * rng.standard_normal(10)
    made = {
        p: {a: Areas(v + noise * (a != "scratch"), v + np.zeros(5)) for a, v in arms.items()}
        for p, arms in areas.items()
    }
    found = {("lam", "1", 60, "internal"): made["common"], ("lam", "0", 60, "internal"): made["unshared"]}
    found["structure", "independent", 60, "internal"] = made["apart"]
    for nuisance in ("nuisance 1", "nuisance 2"):
        found["workup", nuisance, WORKUP_LABELS, "internal"] = made["home"]
        found["workup", nuisance, WORKUP_LABELS, "kappa 0"] = made["away"]
    return found


@pytest.mark.parametrize(
    ("moved", "r2", "fails"),
    [
        ({}, 0.0, []),
        ({"common_ema_finetune": 0.7}, 0.0, [0, 1]),
        ({"apart_ema_finetune": 0.75}, 0.0, [1, 6]),
        ({"apart_ema_frozen": 0.64}, 0.0, [2]),
        ({}, 0.05, [3]),
        ({"unshared_ema_frozen": 0.7, "common_ema_frozen": 0.7}, 0.0, [4, 5]),
        ({"home_ema_finetune": 0.6, "away_ema_finetune": 0.8}, 0.0, [7, 8, 9, 10]),
    ],
)
def test_a_criterion_fails_where_it_should_and_only_there(moved, r2, fails):
    looked = pl.DataFrame({"sweep": ["structure"], "value": ["independent"], "ema_r2": [r2], "ema_r2_shuffled": [0.0]})
    criteria = judge(planted(**moved), looked, labels=(60,))
    assert [number for number, one in enumerate(criteria) if not one.holds] == fails


def test_the_study_pretrains_on_nine_worlds_and_all_of_its_conditions_differ():
    places = places_of_study(MapSettings())
    assert len({place.condition for place in places}) == len(places) == 26
    worlds = {place.condition.world.structure for place in places}
    assert worlds == {"dial", "independent", "synergy", "anticausal", "risk", "selection", "curved", "workup"}


def test_arms_are_named_in_words():
    assert title_of("ema+vicreg_frozen") == "JEPA + VICReg, frozen"
    assert title_of("scratch") == "from scratch"


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="seeds, each once"):
        MapSettings(seeds=(1, 1))
    with pytest.raises(InputError, match="fewest first"):
        replace(MapSettings(), labels=(200, 60))
