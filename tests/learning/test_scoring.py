"""A run scores an archive it never saw, with whatever there is; patients it was fitted on are refused by count."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from semeia.archive import Archive, open_archive
from semeia.archive.keys import own_key
from semeia.data.dataset import Dataset, open_dataset
from semeia.data.modality import Modality
from semeia.errors import InputError
from semeia.evaluation import check_predictions
from semeia.evaluation.schema import PREDICTION_COLUMNS
from semeia.learning import scoring
from semeia.learning.model import FILE, load_model
from semeia.learning.scoring import embed
from semeia.readers import ingest_images
from semeia.studies.export import export
from semeia.studies.predict import predict
from small_training import loaded, nodule_archive, picture_archive

ARM = {"arm": "multimodal_jepa", "mode": "frozen", "fraction": 1.0}


def test_a_table_that_evaluation_takes(run: Path, unseen: Path):
    table = predict(run, archive=unseen, **ARM)
    check_predictions(table, keep_unlabelled=True)
    assert table.columns[: len(PREDICTION_COLUMNS)] == list(PREDICTION_COLUMNS)
    assert {"diameter_mm", "z_extent_mm", "manufacturer"} <= set(table.columns)
    assert not {"pseudonym", "input_opinion"} & set(table.columns)
    assert table.height == 16
    assert table["label"].null_count() == 8
    assert set(table["study"]) == {"nodule"}


def test_scores_are_the_mean_over_seeds(run: Path, unseen: Path):
    table = predict(run, archive=unseen, **ARM)
    data = loaded(unseen)
    models = [load_model(path) for path in sorted(run.glob(f"cells/multimodal_jepa/**/{FILE}"))]
    assert len(models) == 2
    expected = np.mean([model.score(data, np.arange(len(data))) for model in models], axis=0)
    assert np.array_equal(table["score"].to_numpy(), expected)
    assert table["unit_id"].to_list() == data.units["unit_id"].to_list()


@pytest.mark.parametrize("kept", ["image", "reading"])
def test_a_subset_of_modalities_is_an_archive_without_the_rest(run: Path, unseen: Path, tmp_path: Path, kept: str):
    """The second archive has never had the other modality: its table, and all its parts, are gone."""
    bare = tmp_path / "bare"
    shutil.copytree(unseen, bare)
    manifest = json.loads((bare / "archive.json").read_text())
    gone = "readings/" if kept == "image" else "images/"
    for part in manifest["parts"]:
        part["files"] = {name: sha for name, sha in part["files"].items() if not name.startswith(gone)}
    (bare / "archive.json").write_text(json.dumps(manifest))
    some = predict(run, archive=unseen, modalities=(kept,), **ARM)
    assert np.array_equal(some["score"].to_numpy(), predict(run, archive=bare, **ARM)["score"].to_numpy())
    assert not np.allclose(some["score"].to_numpy(), predict(run, archive=unseen, **ARM)["score"].to_numpy())


def test_seen_patients_are_refused_with_their_count(run: Path, archive: Path):
    with pytest.raises(InputError, match=r"^15 patients of this archive were seen.*--skip-seen"):
        predict(run, archive=archive, **ARM)
    left = predict(run, archive=archive, skip_seen=True, **ARM)
    assert left["subject_id"].n_unique() == 24 - 15
    subjects = open_archive(archive).table("subjects")
    assert set(left["subject_id"]) == set(subjects.filter(pl.col("subject_id") > 15)["pseudonym"])


def test_seen_patients_are_known_by_their_pixels_under_another_key(run: Path, archive: Path, tmp_path: Path):
    again = nodule_archive(tmp_path, dx=True)
    assert open_archive(again).key_fingerprint != open_archive(archive).key_fingerprint
    names = [set(open_archive(path).table("subjects")["pseudonym"]) for path in (archive, again)]
    assert not names[0] & names[1]
    with pytest.raises(InputError, match=r"^15 patients of this archive were seen"):
        predict(run, archive=again, **ARM)
    assert predict(run, archive=again, skip_seen=True, **ARM)["subject_id"].n_unique() == 24 - 15


def test_nobody_left_to_score(run: Path, tmp_path: Path):
    seen = nodule_archive(tmp_path, 12, dx=True)
    # The miniature folder draws all patients from one stream, so that the first twelve are the same.
    with pytest.raises(InputError, match="no unit is left to score"):
        predict(run, archive=seen, skip_seen=True, **ARM)


def test_a_diagnosis_gives_one_row_a_patient_with_the_highest_score(run: Path, unseen: Path):
    nodules = predict(run, archive=unseen, **ARM)
    patients = predict(run, archive=unseen, outcome="diagnosis", **ARM)
    assert patients.height == patients["subject_id"].n_unique() == 8
    assert set(patients["outcome"]) == {"diagnosis"}
    assert patients["unit_id"].to_list() == patients["subject_id"].to_list()
    highest = nodules.group_by("subject_id").agg(pl.col("score").max())
    both = patients.join(highest, on="subject_id", suffix="_highest")
    assert both["score"].to_list() == both["score_highest"].to_list()
    truth = open_archive(unseen).outcome("diagnosis")
    found = patients.join(truth, on="unit_id")
    assert found["label"].to_list() == found["value"].to_list()


def test_a_covariate_and_a_map_of_pixels_score_too(run: Path, unseen: Path):
    for name in ("diameter", "image_components"):
        table = predict(run, archive=unseen, arm=name, mode="none", fraction=1.0)
        assert table.height == 16
    assert predict(run, archive=unseen, arm="diameter")["score"].len() == 16


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (ARM | {"arm": "nothing"}, "has no arm 'nothing'. It has .*study list .* names them all"),
        (ARM | {"arm": "multimodal_jepo"}, "Did you mean 'multimodal_jepa'"),
        (ARM | {"fraction": 0.3}, "no model fits"),
        ({"arm": "reading_boosting"}, "no stored model"),
        (ARM | {"modalities": ("sound",)}, "no modality 'sound'"),
        ({"arm": "image_components", "modalities": ("reading",)}, "all of it is hidden"),
        (ARM | {"outcome": "malignency"}, "no outcome 'malignency'; it has diagnosis, malignancy"),
    ],
)
def test_what_cannot_be_scored_is_one_clear_line(run: Path, unseen: Path, asked: dict[str, object], words: str):
    with pytest.raises(InputError, match=words) as refused:
        predict(run, archive=unseen, **asked)  # pyright: ignore[reportArgumentType]
    assert "\n" not in str(refused.value)


def test_not_a_run(unseen: Path, tmp_path: Path):
    with pytest.raises(InputError, match="is it a run folder"):
        predict(tmp_path, archive=unseen, **ARM)


def test_embeddings(run: Path, unseen: Path):
    table = embed(run, archive=unseen, arm="multimodal_jepa")
    assert table.columns[:3] == ["unit_id", "subject_id", "e0"]
    assert table.shape == (16, 2 + 2 * 2 * 16)
    assert table.null_count().sum_horizontal().item() == 0
    images = embed(run, archive=unseen, arm="multimodal_jepa", modalities=("image",))
    assert images["e63"].null_count() == 16
    assert images["e0"].null_count() == 0
    with pytest.raises(InputError, match="it has multimodal_jepa/seed-0"):
        embed(run, archive=unseen, arm="image_jepa")


def test_all_arms_come_in_one_table_and_from_one_pass_over_the_images(
    run: Path, unseen: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    passes: list[Path] = []

    def counted(archive: Archive, modalities: dict[str, Modality]) -> Dataset:
        passes.append(archive.path)
        return open_dataset(archive, modalities)

    monkeypatch.setattr(scoring, "open_dataset", counted)
    table = predict(run, archive=unseen)
    assert passes == [unseen]
    check_predictions(table, keep_unlabelled=True)
    assert set(table["arm"]) == {"multimodal_jepa", "diameter", "image_components"}
    for arm, mode in (("multimodal_jepa", "frozen"), ("diameter", "none"), ("image_components", "none")):
        alone = predict(run, archive=unseen, arm=arm, mode=mode, fraction=1.0)
        assert table.filter(arm=arm).select(alone.columns).equals(alone)
    assert "reading_boosting none 1 is left out" in caplog.text


def test_an_arm_whose_modality_is_hidden_is_left_out_of_the_table(
    run: Path, unseen: Path, caplog: pytest.LogCaptureFixture
):
    table = predict(run, archive=unseen, modalities=("reading",))
    assert set(table["arm"]) == {"multimodal_jepa", "diameter"}
    assert "image_components none 1 is left out: this arm reads image" in caplog.text


def test_single_models_as_a_study_reports_them_and_their_mean(
    run: Path, unseen: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO", "semeia")
    mean = predict(run, archive=unseen, **ARM)
    assert "scores are the mean over 2 models an arm" in caplog.text
    each = predict(run, archive=unseen, seeds="each", **ARM)
    assert "scores are of single models, 2 an arm" in caplog.text
    data, rows = loaded(unseen), np.arange(16)
    for seed in (0, 1):
        model = load_model(run / f"cells/multimodal_jepa/frozen/1/seed-{seed}" / FILE)
        assert np.array_equal(each.filter(seed=seed)["score"].to_numpy(), model.score(data, rows))
    both = predict(run, archive=unseen, seeds="both", **ARM)
    assert both.filter(arm="multimodal_jepa").equals(each)
    assert both.filter(arm="multimodal_jepa_mean")["score"].equals(mean["score"])
    check_predictions(both, keep_unlabelled=True)


def test_a_patients_covariates_do_not_hang_on_the_arm(run: Path, unseen: Path):
    table = predict(run, archive=unseen, outcome="diagnosis")
    assert table["arm"].n_unique() == 3
    covariates = table.group_by("subject_id").agg(pl.col("diameter_mm", "manufacturer").n_unique())
    assert covariates.select("diameter_mm", "manufacturer").unique().rows() == [(1, 1)]
    largest = open_archive(unseen).table("units").group_by("subject_id").agg(pl.col("diameter_mm").max())
    assert sorted(table.filter(arm="diameter")["diameter_mm"]) == sorted(largest["diameter_mm"].drop_nulls())


def test_a_copy_of_a_seed_is_no_model_of_the_arm(run: Path, unseen: Path, tmp_path: Path):
    copied = tmp_path / "run"
    shutil.copytree(run, copied)
    before = predict(copied, archive=unseen, **ARM)
    arm = copied / "cells/multimodal_jepa/frozen/1"
    shutil.copytree(arm / "seed-0", arm / "seed-0 (copy)")
    shutil.copytree(arm, copied / "cells/multimodal_jepa/frozen/1 (copy)")
    assert predict(copied, archive=unseen, **ARM).equals(before)
    out = export(copied, out=tmp_path / "model", **ARM)
    assert sorted(path.name for path in out.glob("cells/*/*/*/*")) == ["seed-0", "seed-1"]


@pytest.mark.parametrize("arm", ["multimodal_jepa", "image_components"])
def test_images_of_another_type_than_those_trained_on_are_refused(run: Path, tmp_path: Path, arm: str):
    """The model was trained on volumes; here are pictures."""
    other = picture_archive(tmp_path, 6)
    with pytest.raises(
        InputError, match=r"^the model was trained on volumes .*; this archive holds 12 pictures and 0 volumes .*"
    ):
        predict(run, archive=other, arm=arm)
    with pytest.raises(InputError, match="this archive holds 12 pictures"):
        embed(run, archive=other, arm="multimodal_jepa")


def test_images_of_the_trained_type_are_taken_and_the_others_counted(
    run: Path, unseen: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    mixed = tmp_path / "mixed"
    shutil.copytree(unseen, mixed)
    picture_archive(tmp_path / "other", 6)
    table, key = (
        tmp_path / "other/table.csv",
        own_key(unseen),
    )  # the key lies beside an archive and is not copied with it
    ingest_images(tmp_path / "other/files", table=table, into=mixed, image="file", subject="patient", key=key)
    table = predict(run, archive=mixed, arm="image_components")
    assert table["score"].equals(predict(run, archive=unseen, arm="image_components")["score"])
    assert "not read: 12 images that are no volumes" in caplog.text
