"""Names of arms there and back, what each start is pretrained on and by, and which encoder a cell begins with."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from knee_study import TRAINING, knee_archive
from semeia.data.fingerprint import fingerprint
from semeia.encoders.build import build_encoder
from semeia.evaluation.description import Description
from semeia.learning.cells import Cell
from semeia.learning.model import FILE, load_model
from semeia.objectives.build import OBJECTIVES
from semeia.readers.images.knees import OUTCOME
from semeia.report.names import Names
from semeia.studies.pictures.knee import BASELINE, arms, corpus_of, open_knees, pretraining
from semeia.studies.pictures.knee_settings import GRADES, IMAGENET, SMALL, STARTS, KneeSettings, KneeTraining
from semeia.studies.run.arms import Network
from semeia.studies.run.study import Inputs, Work, fold_of, pretraining_rows

EVERY = KneeSettings(starts=tuple(STARTS), heads=("nominal", "ordinal"), modes=("frozen", "finetune"))
SETTINGS = replace(EVERY, training=TRAINING)
NOTHING = Inputs(Path())


@pytest.fixture(scope="module")
def knees(tmp_path_factory: pytest.TempPathFactory) -> Work:
    """Where cells are run; of two outcomes."""
    folder = tmp_path_factory.mktemp("knees")
    inputs = Inputs(knee_archive(folder, 30))
    material = open_knees(inputs, SETTINGS, folder / "cache")
    grades = material.labels[OUTCOME]
    both = replace(material, labels=material.labels | {"incidence": np.where(grades > 1, np.nan, grades)})
    return Work(folder / "run", inputs, SETTINGS, both)


def learn(name: str, knees: Work) -> Path:
    """Pretrains one start; its folder."""
    cell = Cell(name, "pretrain", 1.0, 0)
    folder = knees.run / cell.name
    folder.mkdir(parents=True, exist_ok=True)
    pretraining(SETTINGS, knees.inputs)[name].learn(cell, pretraining_rows(knees.material, 0), folder, knees)
    return folder


def test_every_start_names_objectives_there_are_and_what_it_is_pretrained_on():
    for name, start in STARTS.items():
        assert set(start.terms) <= set(OBJECTIVES), name
        assert bool(start.terms) == (name not in ("random", "imagenet"))
    assert {STARTS[name].corpus for name in ("simclr_oa", "simclr_matched")} == {"osteoarthritis", "matched"}
    assert STARTS["simclr_oa"].terms == STARTS["simclr_matched"].terms == STARTS["simclr"].terms
    assert set(pretraining(EVERY, NOTHING)) == set(STARTS) - {"random", "imagenet"}


def test_every_start_has_a_title_and_a_mark_on_the_page():
    about = {name: arm.about for name, arm in arms(EVERY, NOTHING).items()}
    names = Names(Description(arms=about))
    assert set(about) == {*STARTS, *(f"{name}_ordinal" for name in STARTS), BASELINE}
    titles, styles = ({one(name, "frozen") for name in STARTS} for one in (names.arm, names.style))
    assert len(titles) == len(styles) == len(STARTS)
    plain, told = names.about("mae"), names.about("mae_ordinal")
    assert told.title == f"{plain.title}, grades in order"
    assert told.role == plain.role
    assert told.family != plain.family
    assert names.about("random").role == "scratch"
    assert names.about("imagenet").start.startswith("published ImageNet weights")


def test_imagenet_has_its_own_network():
    training, made = KneeTraining(), arms(EVERY, NOTHING)
    networks = {name: arm for name, arm in made.items() if isinstance(arm, Network)}
    assert networks["imagenet"].model == IMAGENET
    assert networks["imagenet"].finetuning == training.imagenet_finetuning != networks["random"].finetuning
    assert networks["mae"].model == networks["random"].model == SMALL
    for model in (SMALL, IMAGENET):
        # About the same part of the picture, whichever the network.
        _, height, width = model.crop.voxels
        assert height / width == pytest.approx(0.6, abs=0.05)


def test_what_a_corpus_teaches_is_asked_of_the_frozen_encoder_only():
    made = arms(EVERY, NOTHING)
    assert {name for name in STARTS if made[name].modes == ("frozen",)} == {"simclr_oa", "simclr_matched"}
    assert made["mae"].modes == ("frozen", "finetune")


def test_pretraining_sees_its_corpus_and_nobody_else(knees: Work):
    rows, dataset = pretraining_rows(knees.material, 0), knees.material.dataset
    assert dataset is not None
    for name in ("simclr_oa", "simclr_matched"):
        corpus = corpus_of(knees.material, rows, 0, corpus=STARTS[name].corpus)
        stored = load_model(learn(name, knees) / FILE).preprocessing.fitted_on
        assert stored == fingerprint(dataset, corpus)


def test_a_cell_begins_with_its_start(knees: Work):
    stored = load_model(learn("mae", knees) / FILE)
    fold, made = fold_of(knees.material, OUTCOME, seed=0, fraction=1.0), arms(SETTINGS, knees.inputs)
    fresh = build_encoder(TRAINING.pretraining.model.encoder, stored.preprocessing, seed=0)
    for name, expected in (("mae", stored.encoder), ("random", fresh)):
        arm = made[name]
        assert isinstance(arm, Network)
        own = arm.start(knees.run, knees.material, fold.pretraining, 0).encoder.state_dict()
        assert all(torch.equal(value, own[key]) for key, value in expected.state_dict().items()), name


@pytest.mark.parametrize(
    ("arm", "mode", "outcome", "classes"),
    [
        ("random", "frozen", OUTCOME, GRADES),
        ("random_ordinal", "frozen", OUTCOME, GRADES),
        ("random", "frozen", "incidence", None),
        (BASELINE, "none", OUTCOME, GRADES),
        (BASELINE, "none", "incidence", None),
    ],
)
def test_what_a_cell_gives_is_chances(
    knees: Work, tmp_path: Path, arm: str, mode: str, outcome: str, classes: int | None
):
    fold = fold_of(knees.material, outcome, seed=0, fraction=1.0)
    cell = Cell(arm, mode, 1.0, 0, () if outcome == OUTCOME else (("outcome", outcome),))
    scores = arms(SETTINGS, knees.inputs)[arm].score(cell, fold, tmp_path, knees)
    assert scores.shape == ((len(fold.test),) if classes is None else (len(fold.test), classes))
    assert ((scores >= 0) & (scores <= 1)).all()
    if classes is not None:
        np.testing.assert_allclose(scores.sum(1), 1, atol=1e-6)
