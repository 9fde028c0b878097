"""Who is pretrained on, who is labelled, who is tested; nobody is on two sides, and the corpora are what they say."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from semeia.studies.knee_data import OSTEOARTHRITIS, Knees, Sources, corpus_of, fold_of, load_knees

from knee_study import CROP, FORMS, follow_up_csv, knee_archive
from lidc_folder import write_rows
from semeia.errors import InputError
from semeia.readers.knees import OUTCOME


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("knees")
    knee_archive(folder / "home", 60, ungraded=3)
    knee_archive(folder / "other", 10, first=500, side=False, split=False, forms=FORMS)
    return folder


@pytest.fixture(scope="module")
def sources(folder: Path) -> Sources:
    return Sources(folder / "home" / "archive", external=folder / "other" / "archive")


@pytest.fixture(scope="module")
def knees(folder: Path, sources: Sources) -> Knees:
    return load_knees(sources, crop=CROP, cache=folder / "cache")


def patients(knees: Knees, rows: np.ndarray) -> set[int]:
    return set(knees.subject[rows].tolist())


def test_both_archives_lie_end_to_end(knees: Knees):
    assert (len(knees.data), knees.outside.sum()) == (140, 20)
    assert not patients(knees, np.flatnonzero(knees.outside)) & patients(knees, np.flatnonzero(~knees.outside))
    assert np.isnan(knees.labels[OUTCOME]).sum() == 6
    assert len(knees.data.image_hash) == len(knees.data.voxels) == len(knees.data.reports) == 140


def test_the_form_in_which_another_hospital_keeps_a_picture_does_not_matter(knees: Knees):
    """8 and 16 bit, colours, inverted, 162 by 300 pixels: all arrive as a bright band on dark ground."""
    outside = knees.data.voxels[knees.outside][:, 0] / 255
    middle, sides = outside[:, :, 10:14].mean((1, 2)), outside[:, :, [0, 1, -2, -1]].mean((1, 2))
    assert (middle > sides + 0.3).all()


@pytest.mark.parametrize("fraction", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_nobody_is_on_two_sides(knees: Knees, seed: int, fraction: float):
    fold = fold_of(knees, OUTCOME, seed=seed, fraction=fraction)
    test, seen = patients(knees, fold.test), patients(knees, fold.pretraining)
    assert not test & seen
    assert patients(knees, fold.labelled) <= seen
    assert not knees.outside[fold.pretraining].any()
    assert set(np.flatnonzero(knees.outside)) <= set(fold.test)
    assert set(knees.outside[fold.test]) == {False, True}
    labels = knees.labels[OUTCOME]
    assert not np.isnan(labels[fold.test]).any()
    assert np.array_equal(fold.labels, labels[fold.labelled])
    # Knees without a grade are pretrained on, and both knees of a patient are labelled together.
    assert np.isnan(labels[fold.pretraining]).any()
    assert len(fold.labelled) == 2 * len(patients(knees, fold.labelled))


def test_the_fixed_split_is_tested_by_every_seed_and_fractions_are_nested(knees: Knees):
    folds = [fold_of(knees, OUTCOME, seed=0, fraction=fraction) for fraction in (0.2, 0.5, 1.0)]
    few, half, all_of_them = (patients(knees, fold.labelled) for fold in folds)
    assert few < half < all_of_them
    other = fold_of(knees, OUTCOME, seed=1, fraction=0.2)
    assert all(np.array_equal(fold.test, other.test) for fold in folds)
    assert patients(knees, other.labelled) != few
    split = knees.data.units["split"].to_numpy()
    assert set(split[folds[0].test[~knees.outside[folds[0].test]]]) == {"test"}


def test_without_a_fixed_split_each_seed_tests_other_patients(folder: Path, tmp_path: Path):
    archive = knee_archive(tmp_path / "unsplit", 40, split=False)
    own = load_knees(Sources(archive), crop=CROP, cache=tmp_path / "cache")
    tested = [patients(own, fold_of(own, OUTCOME, seed=seed, fraction=1.0).test) for seed in (0, 1)]
    assert tested[0] != tested[1]
    assert all(len(found) == 8 for found in tested)


def test_labels_of_tested_knees_decide_nothing(knees: Knees):
    labels = knees.labels[OUTCOME]
    other = Knees(knees.data, knees.outside, {OUTCOME: np.where(knees.testing(0), 4 - labels, labels)})
    for corpus in ("all", "osteoarthritis", "matched"):
        assert np.array_equal(corpus_of(knees, corpus, seed=0), corpus_of(other, corpus, seed=0))
    one, two = (fold_of(k, OUTCOME, seed=0, fraction=0.5) for k in (knees, other))
    assert np.array_equal(one.labelled, two.labelled)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_corpora(knees: Knees, seed: int):
    everything = corpus_of(knees, "all", seed=seed)
    diseased = corpus_of(knees, "osteoarthritis", seed=seed)
    matched = corpus_of(knees, "matched", seed=seed)
    grades = knees.labels[OUTCOME]
    assert (grades[diseased] >= OSTEOARTHRITIS).all()
    assert set(diseased) == {row for row in everything if grades[row] >= OSTEOARTHRITIS}
    assert len(matched) == len(diseased) < len(everything)
    assert set(matched) < set(everything)
    assert not knees.testing(seed)[everything].any()
    assert (grades[matched] < OSTEOARTHRITIS).any()
    # Whole patients, but for the last one drawn.
    _, counts = np.unique(knees.subject[matched], return_counts=True)
    assert (counts == 1).sum() <= 1
    assert not np.array_equal(matched, corpus_of(knees, "matched", seed=seed + 1))


def test_follow_up_becomes_outcomes_of_their_own(folder: Path, tmp_path: Path):
    home = knee_archive(tmp_path / "home", 30)
    table = follow_up_csv(tmp_path, tmp_path / "home" / "files")
    sources = Sources(home, external=folder / "other" / "archive", outcomes=table)
    knees = load_knees(sources, crop=CROP, cache=tmp_path / "cache")
    assert list(knees.labels) == [OUTCOME, "incidence", "progression"]
    grades = knees.labels[OUTCOME]
    side = knees.data.units["side"].to_numpy()
    left, inside = side == "L", ~knees.outside
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
        assert not knees.outside[fold.test].any()
        assert np.array_equal(fold.pretraining, fold_of(knees, OUTCOME, seed=0, fraction=1.0).pretraining)


def test_made_up_follow_up_says_so_in_its_name(tmp_path: Path):
    home = knee_archive(tmp_path / "home", 12)
    table = follow_up_csv(tmp_path, tmp_path / "home" / "files")
    made_up = pl.read_csv(table).with_columns(synthetic=pl.lit("true")).to_dicts()
    write_rows(table, made_up)
    knees = load_knees(Sources(home, outcomes=table), crop=CROP, cache=tmp_path / "cache")
    assert list(knees.labels) == [OUTCOME, "incidence_simulated", "progression_simulated"]


def test_reports_stand_beside_their_knees(folder: Path, tmp_path: Path):
    texts: list[dict[str, object]] = [
        {"patient_id": f"CANARY-{place}", "side": side, "text": f"Knee {side}."} for place in range(5) for side in "LR"
    ]
    table = write_rows(tmp_path / "reports.csv", texts)
    home = folder / "home" / "archive"
    knees = load_knees(Sources(home, reports=table), crop=CROP, cache=tmp_path / "cache")
    known = [(text, side) for text, side in zip(knees.data.reports, knees.data.units["side"], strict=True) if text]
    assert len(known) == 10
    assert all(text == f"Knee {side}." for text, side in known)


def test_what_the_files_hold_is_part_of_what_a_run_is(sources: Sources, tmp_path: Path):
    table = write_rows(tmp_path / "reports.csv", [{"a": 1}])
    one = Sources(sources.archive, external=sources.external, reports=table).digests()
    assert set(one) == {"reports", "external"}
    table.write_text(table.read_text() + "2\n")
    assert Sources(sources.archive, external=sources.external, reports=table).digests()["reports"] != one["reports"]


def test_an_outcome_nobody_set_aside_has_is_refused(knees: Knees):
    none = np.where(knees.testing(0), np.nan, (knees.subject % 2).astype(float))
    with pytest.raises(InputError, match="no knee that is set aside has 'rare'"):
        fold_of(Knees(knees.data, knees.outside, {"rare": none}), "rare", seed=0, fraction=1.0)
