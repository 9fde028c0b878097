"""Who is pretrained on, who is labelled, who is tested; nobody is on two sides, and the corpora are what they say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from knee_study import FORMS, TRAINING, follow_up_csv, knee_archive
from lidc_folder import write_rows
from semeia.data.modalities import Text
from semeia.errors import InputError
from semeia.readers.images.knees import OUTCOME
from semeia.studies.pictures.knee import corpus_of, open_knees
from semeia.studies.pictures.knee_settings import OSTEOARTHRITIS, KneeSettings
from semeia.studies.run.study import Inputs, Material, fold_of, pretraining_rows
from small_training import values_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("knees")
    knee_archive(folder / "home", 60, ungraded=3)
    knee_archive(folder / "other", 10, first=500, side=False, split=False, forms=FORMS)
    return folder


def opened(sources: Inputs, cache: Path) -> Material:
    return open_knees(sources, KneeSettings(training=TRAINING), cache)


@pytest.fixture(scope="module")
def sources(folder: Path) -> Inputs:
    return Inputs(folder / "home" / "archive", external=folder / "other" / "archive")


@pytest.fixture(scope="module")
def knees(folder: Path, sources: Inputs) -> Material:
    return opened(sources, folder / "cache")


def outside_of(knees: Material) -> np.ndarray:
    return knees.cohort == "external"


def corpus(knees: Material, name: str, seed: int) -> np.ndarray:
    rows = pretraining_rows(knees, seed)
    return rows if name == "all" else corpus_of(knees, rows, seed, corpus=name)


def patients(knees: Material, rows: np.ndarray) -> set[int]:
    return set(knees.subjects[rows].tolist())


def test_both_archives_lie_end_to_end(knees: Material):
    assert (knees.units.height, outside_of(knees).sum()) == (140, 20)
    assert not patients(knees, np.flatnonzero(outside_of(knees))) & patients(knees, np.flatnonzero(~outside_of(knees)))
    assert np.isnan(knees.labels[OUTCOME]).sum() == 6
    assert knees.dataset is not None
    pictures = knees.dataset.observations["image"]
    # What recognises a picture again is kept of both.
    assert len(pictures.slot) == len(pictures.sha256) == len(pictures.looks) == len(pictures.arrays) == 140
    assert all(pictures.looks)


def test_the_form_in_which_another_hospital_keeps_a_picture_does_not_matter(knees: Material):
    """8 and 16 bit, colours, inverted, 162 by 300 pixels: all arrive as a bright band on dark ground."""
    assert knees.dataset is not None
    outside = values_of(knees.dataset, "image", outside_of(knees))[:, 0, 0] / 255
    middle, sides = outside[:, :, 10:14].mean((1, 2)), outside[:, :, [0, 1, -2, -1]].mean((1, 2))
    assert (middle > sides + 0.3).all()


@pytest.mark.parametrize("fraction", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_nobody_is_on_two_sides(knees: Material, seed: int, fraction: float):
    fold = fold_of(knees, OUTCOME, seed=seed, fraction=fraction)
    test, seen = patients(knees, fold.test), patients(knees, fold.pretraining)
    assert not test & seen
    assert patients(knees, fold.labelled) <= seen
    assert not outside_of(knees)[fold.pretraining].any()
    assert set(np.flatnonzero(outside_of(knees))) <= set(fold.test)
    assert set(outside_of(knees)[fold.test]) == {False, True}
    labels = knees.labels[OUTCOME]
    assert not np.isnan(labels[fold.test]).any()
    assert np.array_equal(fold.labels, labels[fold.labelled])
    # Knees without a grade are pretrained on, and both knees of a patient are labelled together.
    assert np.isnan(labels[fold.pretraining]).any()
    assert len(fold.labelled) == 2 * len(patients(knees, fold.labelled))


def test_the_fixed_split_is_tested_by_every_seed_and_fractions_are_nested(knees: Material):
    folds = [fold_of(knees, OUTCOME, seed=0, fraction=fraction) for fraction in (0.2, 0.5, 1.0)]
    few, half, all_of_them = (patients(knees, fold.labelled) for fold in folds)
    assert few < half < all_of_them
    other = fold_of(knees, OUTCOME, seed=1, fraction=0.2)
    assert all(np.array_equal(fold.test, other.test) for fold in folds)
    assert patients(knees, other.labelled) != few
    split = knees.units["split"].to_numpy()
    assert set(split[folds[0].test[~outside_of(knees)[folds[0].test]]]) == {"test"}


def test_without_a_fixed_split_each_seed_tests_other_patients(folder: Path, tmp_path: Path):
    archive = knee_archive(tmp_path / "unsplit", 40, split=False)
    own = opened(Inputs(archive), tmp_path / "cache")
    tested = [patients(own, fold_of(own, OUTCOME, seed=seed, fraction=1.0).test) for seed in (0, 1)]
    assert tested[0] != tested[1]
    assert all(len(found) == 8 for found in tested)


def test_labels_of_tested_knees_decide_nothing(knees: Material):
    labels = knees.labels[OUTCOME]
    other = replace(knees, labels={OUTCOME: np.where(knees.testing(0), 4 - labels, labels)})
    for name in ("all", "osteoarthritis", "matched"):
        assert np.array_equal(corpus(knees, name, 0), corpus(other, name, 0))
    one, two = (fold_of(k, OUTCOME, seed=0, fraction=0.5) for k in (knees, other))
    assert np.array_equal(one.labelled, two.labelled)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_corpora(knees: Material, seed: int):
    everything = corpus(knees, "all", seed)
    diseased = corpus(knees, "osteoarthritis", seed)
    matched = corpus(knees, "matched", seed)
    grades = knees.labels[OUTCOME]
    assert (grades[diseased] >= OSTEOARTHRITIS).all()
    assert set(diseased) == {row for row in everything if grades[row] >= OSTEOARTHRITIS}
    assert len(matched) == len(diseased) < len(everything)
    assert set(matched) < set(everything)
    assert not knees.testing(seed)[everything].any()
    assert (grades[matched] < OSTEOARTHRITIS).any()
    # Whole patients, but for the last one drawn.
    _, counts = np.unique(knees.subjects[matched], return_counts=True)
    assert (counts == 1).sum() <= 1
    assert not np.array_equal(matched, corpus(knees, "matched", seed + 1))


def test_follow_up_becomes_outcomes_of_their_own(folder: Path, tmp_path: Path):
    home = knee_archive(tmp_path / "home", 30)
    table = follow_up_csv(tmp_path, tmp_path / "home" / "files")
    sources = Inputs(home, external=folder / "other" / "archive", files={"outcomes": table})
    knees = opened(sources, tmp_path / "cache")
    assert list(knees.labels) == [OUTCOME, "incidence", "progression"]
    grades = knees.labels[OUTCOME]
    side = knees.units["side"].to_numpy()
    left, inside = side == "L", ~outside_of(knees)
    expected = {
        # From 0 to 1 is no osteoarthritis yet.
        "incidence": np.where(inside & (grades <= 1), left & (grades == 1), np.nan),
        "progression": np.where(inside & (grades >= 2) & (grades <= 3), left, np.nan),
    }
    for name, values in expected.items():
        assert np.array_equal(knees.labels[name], values, equal_nan=True), name
        fold = fold_of(knees, name, seed=0, fraction=1.0)
        assert set(fold.labels) == {0.0, 1.0}
        # Another hospital's knees were not followed, and the encoder may still see all training knees.
        assert not outside_of(knees)[fold.test].any()
        assert np.array_equal(fold.pretraining, fold_of(knees, OUTCOME, seed=0, fraction=1.0).pretraining)


def test_made_up_follow_up_says_so_in_its_name(tmp_path: Path):
    home = knee_archive(tmp_path / "home", 12)
    table = follow_up_csv(tmp_path, tmp_path / "home" / "files")
    made_up = pl.read_csv(table).with_columns(synthetic=pl.lit("true")).to_dicts()
    write_rows(table, made_up)
    knees = opened(Inputs(home, files={"outcomes": table}), tmp_path / "cache")
    assert list(knees.labels) == [OUTCOME, "incidence_simulated", "progression_simulated"]


def test_reports_stand_beside_their_knees(folder: Path, tmp_path: Path):
    texts: list[dict[str, object]] = [
        {"patient_id": f"CANARY-{place}", "side": side, "text": f"Knee {side}."} for place in range(5) for side in "LR"
    ]
    table = write_rows(tmp_path / "reports.csv", texts)
    home = folder / "home" / "archive"
    knees = opened(Inputs(home, files={"reports": table}), tmp_path / "cache")
    assert knees.dataset is not None
    known = [
        (sample.values[Text.called], sample.unit["side"]) for sample in knees.dataset if len(sample.values[Text.called])
    ]
    assert len(known) == 10
    assert all(text.item() == f"Knee {side}." for text, side in known)


def test_what_the_files_hold_is_part_of_what_a_run_is(sources: Inputs, tmp_path: Path):
    table = write_rows(tmp_path / "reports.csv", [{"a": 1}])
    one = Inputs(sources.archive, external=sources.external, files={"reports": table}).digests()
    assert set(one) == {"reports", "external"}
    table.write_text(table.read_text() + "2\n")
    assert (
        Inputs(sources.archive, external=sources.external, files={"reports": table}).digests()["reports"]
        != one["reports"]
    )


def test_an_outcome_nobody_set_aside_has_is_refused(knees: Material):
    none = np.where(knees.testing(0), np.nan, (knees.subjects % 2).astype(float))
    with pytest.raises(InputError, match="nobody whom seed 0 sets aside has a label of 'rare'"):
        fold_of(replace(knees, labels={"rare": none}), "rare", seed=0, fraction=1.0)
