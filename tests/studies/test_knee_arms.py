"""Names of arms there and back, what each start is pretrained on and by, and which encoder a cell begins with."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from semeia.studies.described import knee
from semeia.studies.grid import Cell
from semeia.studies.knee_arms import (
    BASELINE,
    IMAGENET,
    SMALL,
    STARTS,
    Training,
    arm_name,
    parts_of,
    pretrain_cell,
    score_cell,
    start_of,
)
from semeia.studies.knee_data import GRADES, Knees, Sources, corpus_of, fold_of, load_knees
from semeia.views.fingerprint import fingerprint

from knee_study import CROP, TRAINING, knee_archive
from semeia.encoders.build import build_encoder
from semeia.learning.model import FILE, load_model
from semeia.objectives.build import OBJECTIVES
from semeia.objectives.task import BINARY
from semeia.readers.knees import OUTCOME
from semeia.report.names import Names


@pytest.fixture(scope="module")
def knees(tmp_path_factory: pytest.TempPathFactory) -> Knees:
    folder = tmp_path_factory.mktemp("knees")
    return load_knees(Sources(knee_archive(folder, 30)), crop=CROP, cache=folder / "cache")


@pytest.mark.parametrize("start", [*STARTS, BASELINE])
@pytest.mark.parametrize("outcome", [OUTCOME, "incidence", "progression_simulated"])
def test_a_name_says_start_outcome_and_task(start: str, outcome: str):
    found, about, task = parts_of(arm_name(start, outcome))
    assert (found, about) == (start, outcome)
    assert (task.kind, task.classes) == (("nominal", GRADES) if outcome == OUTCOME else ("binary", 2))
    assert "/" not in arm_name(start, outcome)


def test_grades_in_order_are_a_head_of_their_own():
    start, outcome, task = parts_of(arm_name("mae", OUTCOME, ordinal=True))
    assert (start, outcome, task.kind, task.classes) == ("mae", OUTCOME, "ordinal", GRADES)
    assert parts_of("mae@incidence")[2] == BINARY


def test_every_start_names_objectives_there_are_and_what_it_is_pretrained_on():
    for name, start in STARTS.items():
        assert set(start.terms) <= set(OBJECTIVES), name
        assert bool(start.terms) == (name not in ("random", "imagenet"))
    assert {STARTS[name].corpus for name in ("simclr_oa", "simclr_matched")} == {"osteoarthritis", "matched"}
    assert STARTS["simclr_oa"].terms == STARTS["simclr_matched"].terms == STARTS["simclr"].terms


def test_every_start_has_a_title_and_a_mark_on_the_page():
    names = Names(knee(OUTCOME))
    assert {*STARTS, BASELINE} <= set(names.description.arms)
    titles, styles = ({one(name, "frozen") for name in STARTS} for one in (names.arm, names.style))
    assert len(titles) == len(styles) == len(STARTS)
    plain, told = names.about("mae"), names.about(arm_name("mae", OUTCOME, ordinal=True))
    assert told.title == f"{plain.title}, grades in order"
    assert told.role == plain.role
    assert told.family != plain.family
    assert names.about("random").role == "scratch"
    assert names.about("imagenet").start.startswith("published ImageNet weights")


def test_imagenet_has_its_own_network():
    training = Training()
    assert training.model_of("imagenet") == IMAGENET
    assert training.finetuning_of("imagenet") == training.imagenet_finetuning != training.finetuning_of("random")
    assert training.model_of("mae") == training.model_of("random") == SMALL
    for model in (SMALL, IMAGENET):
        # About the same part of the picture, whichever the network.
        _, height, width = model.crop.voxels
        assert height / width == pytest.approx(0.6, abs=0.05)


def test_pretraining_sees_its_corpus_and_nobody_else(knees: Knees, tmp_path: Path):
    for name in ("simclr_oa", "simclr_matched"):
        cell = Cell(name, "pretrain", 1.0, 0)
        pretrain_cell(cell, tmp_path / cell.name, knees=knees, settings=TRAINING.pretraining)
        rows = corpus_of(knees, STARTS[name].corpus, seed=0)
        stored = load_model(tmp_path / cell.name / FILE).preprocessing.fitted_on
        assert stored == fingerprint(knees.data, rows)


def test_a_cell_begins_with_its_start(knees: Knees, tmp_path: Path):
    cell = Cell("mae", "pretrain", 1.0, 0)
    pretrain_cell(cell, tmp_path / cell.name, knees=knees, settings=TRAINING.pretraining)
    fold = fold_of(knees, OUTCOME, seed=0, fraction=1.0)
    found = {
        name: start_of(name, tmp_path, knees, fold, training=TRAINING, weights=None, seed=0)
        for name in ("mae", "random")
    }
    stored = load_model(tmp_path / cell.name / FILE)
    fresh = build_encoder(TRAINING.pretraining.model, stored.preprocessing, seed=0)
    for name, expected in (("mae", stored.encoder), ("random", fresh)):
        own = found[name].encoder.state_dict()
        assert all(torch.equal(value, own[key]) for key, value in expected.state_dict().items()), name


def test_what_a_cell_gives_is_chances(knees: Knees, tmp_path: Path):
    labels = knees.labels | {"incidence": np.where(knees.labels[OUTCOME] > 1, np.nan, knees.labels[OUTCOME])}
    both = replace(knees, labels=labels)
    for arm, mode, classes in (
        ("random", "frozen", GRADES),
        ("random_ordinal", "frozen", GRADES),
        ("random@incidence", "frozen", None),
        (BASELINE, "none", GRADES),
        (f"{BASELINE}@incidence", "none", None),
    ):
        fold = fold_of(both, parts_of(arm)[1], seed=0, fraction=1.0)
        cell = Cell(arm, mode, 1.0, 0)
        (tmp_path / cell.name).mkdir(parents=True)
        scores = score_cell(
            cell, tmp_path / cell.name, run=tmp_path, knees=both, fold=fold, training=TRAINING, weights=None
        )
        assert scores.shape == ((len(fold.test),) if classes is None else (len(fold.test), classes)), arm
        assert ((scores >= 0) & (scores <= 1)).all()
        if classes is not None:
            np.testing.assert_allclose(scores.sum(1), 1, atol=1e-6)
