"""The study of robust arms at its smallest: every arm at every place, and criteria that are read off the table."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from semeia.studies.worlds.robust import (
    CRITERIA,
    PLACES,
    TWO,
    WORLD,
    Place,
    RobustSettings,
    _unlabelled_of,
    criteria,
    draw_home,
    robust_study,
)
from semeia.studies.worlds.robust_experts import FOLDS, out_of_fold, train_experts
from semeia.worlds import draw_patients
from semeia.worlds.sweep.finetuning import SmallFinetuning
from semeia.worlds.sweep.pretraining import SmallPretraining

TINY = RobustSettings(
    seeds=2,
    labels=60,
    unlabelled=200,
    site=100,
    test=100,
    pretraining=SmallPretraining(hidden=8, width=4, predictor=8, steps=3, batch=16),
    finetuning=SmallFinetuning(steps=3, batch=16, every=1),
)


def test_every_arm_is_scored_at_every_place(tmp_path: Path):
    said = robust_study(out=tmp_path / "robust.csv", settings=TINY)

    table = pl.read_csv(tmp_path / "robust.csv")
    assert table["arm"].n_unique() == 19
    two_homes = table.filter(pl.col("arm").is_in(["vrex_10", "vrex_100", "group_dro"]))
    assert set(two_homes["world"]) == {"W7, two", "W1", "W3"}  # one home site has no other to agree with
    assert {name: group["place"].n_unique() for (name,), group in table.group_by("world")} == {
        name: len(places) for name, places in PLACES.items()
    }
    assert table["auroc"].is_between(0, 1).all()
    # The image expert reads no record: nothing that happens to records changes it.
    images = table.filter(pl.col("world").str.starts_with("W7") & (pl.col("arm") == "image"))
    assert images.group_by("world", "seed").agg(pl.col("auroc").n_unique())["auroc"].to_list() == [1, 1, 1, 1]
    assert said.startswith("All of it is simulated.")


@pytest.mark.parametrize(("blend", "word"), [(0.70, "holds"), (0.68, "**fails**")])
def test_criteria_are_read_off_the_table(blend: float, word: str):
    rows = [
        {"world": world, "place": place, "seed": seed, "arm": arm, "auroc": blend if arm == "blend_site" else 0.7}
        for world, place, _, _ in CRITERIA
        for seed in (0, 1)
        for arm in ("image", "plain", "blend_site", "simulate", "drop")
    ]
    heads, _, *lines = criteria(pl.DataFrame(rows))
    assert [line.split(" | ")[0] for line in lines] == ["| blend_site", "| simulate", "| drop"]
    home = heads.split(" | ").index("W7, home, less plain: -0.015")
    assert lines[0].split(" | ")[home] == f"{blend - 0.7:+.3f} (0.000) {word}"


def test_a_blend_of_ridge_experts_is_held_against_ridge_regression():
    scores = {"image": 0.5, "plain": 0.5, "ridge_image": 0.7, "ridge": 0.9, "ridge_blend_site": 0.8}
    rows = [
        {"world": world, "place": place, "seed": seed, "arm": arm, "auroc": auroc}
        for world, place, _, _ in CRITERIA
        for seed in (0, 1)
        for arm, auroc in scores.items()
    ]
    heads, _, line = criteria(pl.DataFrame(rows))
    cells = dict(zip(heads.split(" | "), line.split(" | "), strict=True))
    assert cells["W7, home, less plain: -0.015"] == "-0.100 (0.000) **fails**"
    assert cells["W7, kappa 0, less image: -0.010"] == "+0.100 (0.000) holds"


def test_two_home_sites_see_the_same_people_in_turn():
    one, two = (draw_home(name, 0, TINY) for name in ("W7", "W7, two"))
    np.testing.assert_array_equal(one.labelled.image, two.labelled.image)
    np.testing.assert_array_equal(one.labelled.label, two.labelled.label)
    assert [len(np.unique(home.site)) for home in (one, two)] == [1, 2]
    first = draw_patients(replace(WORLD, seed=0), TINY.labels, seed=0, part="labelled", site=TWO[0])
    np.testing.assert_array_equal(two.labelled.record[two.site == 0], first.record[two.site == 0])
    assert not np.allclose(two.labelled.record[two.site == 1], first.record[two.site == 1])


def test_a_site_has_the_prevalence_that_is_asked_for():
    drawn = _unlabelled_of(replace(WORLD, seed=1), Place(prevalence=0.1), TINY)
    assert (len(drawn.label), drawn.label.sum()) == (TINY.site, 10)


def test_a_patient_is_scored_by_the_fold_that_left_it_out():
    home = draw_home("W7", 0, TINY)
    (experts,) = train_experts([home], pretraining=TINY.pretraining, finetuning=TINY.finetuning)
    features = home.features(home.labelled)
    scores = out_of_fold(experts, "joint", features)

    assert len(experts.models["joint"]) == FOLDS
    assert scores[7] == experts.score("joint", features, fold=7 % FOLDS)[7]
    np.testing.assert_allclose(
        experts.score("joint", features),
        np.mean([experts.score("joint", features, fold=fold) for fold in range(FOLDS)], axis=0),
    )
