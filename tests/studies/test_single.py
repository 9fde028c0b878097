"""One's own archive: pictures with a table and a fixed split, or none. Nobody is tested who was seen."""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from archive_folder import rewrite
from semeia.archive import open_archive
from semeia.data.dataset import Dataset, open_dataset
from semeia.errors import InputError
from semeia.evaluation import check_predictions
from semeia.evaluation.schema import PREDICTION_COLUMNS
from semeia.learning.model import FILE, load_model
from semeia.readers import ingest_images
from semeia.studies.own import modalities_of
from semeia.studies.predict import predict
from semeia.studies.run.grid import list_cells
from semeia.studies.run.protocol import kept_for_testing
from semeia.studies.run.record import read_record
from semeia.studies.single import finetune_archive, pretrain_archive
from small_training import FINETUNE, LOOP, PICTURES, PRETRAIN, nodule_archive, picture_archive

pytestmark = pytest.mark.usefixtures("short_evaluation")


def in_memory(archive: Path) -> Dataset:
    opened = open_archive(archive)
    return open_dataset(opened, PICTURES.model.modalities_of(opened))


def held(data: Dataset, seed: int) -> np.ndarray:
    return kept_for_testing(data.units, outside=np.zeros(len(data), bool))(seed)


def seen_by(run: Path, data: Dataset) -> np.ndarray:
    (path,) = run.glob(f"pretrained/*/seed-*/{FILE}")
    return load_model(path).preprocessing.fitted_on.seen(data)


def test_pretraining_never_sees_the_fixed_test_split(pictures: Path, pretrained: Path):
    data = in_memory(pictures)
    assert np.array_equal(seen_by(pretrained, data), (data.units["split"] == "train").to_numpy())
    record = read_record(pretrained)
    assert (record["kind"], record["state"]) == ("pretrain", "finished")
    assert record["pretraining"][0]["arm"] == "image_jepa"
    assert record["pretraining"][0]["verdict"]
    assert (pretrained / "metrics.jsonl").exists()
    assert pretrain_archive(pictures, out=pretrained, settings=PICTURES) == record["pretraining"][0]["verdict"]


@pytest.mark.parametrize("mode", ["frozen", "finetune", "probe_finetune"])
def test_finetuning_scores_the_fixed_test_split(pictures: Path, pretrained: Path, tmp_path: Path, mode: str):
    run = tmp_path / "run"
    table = finetune_archive(
        pictures, out=run, pretrained=pretrained, outcome="label", mode=mode, seeds=2, settings=FINETUNE
    )
    data = in_memory(pictures)
    expected = data.units.filter(pl.col("split") == "test")["unit_id"].to_list()
    check_predictions(table)
    assert table.columns[: len(PREDICTION_COLUMNS)] == list(PREDICTION_COLUMNS)
    for seed in (0, 1):
        assert table.filter(pl.col("seed") == seed)["unit_id"].to_list() == expected
    assert set(table["arm"]) == {"image_jepa"}
    assert pl.read_parquet(run / "predictions.parquet").equals(table)
    assert (read_record(run)["state"], read_record(run)["seeds"]) == ("finished", [0, 1])
    assert list_cells(run)["state"].to_list() == ["finished"] * 2

    again = finetune_archive(
        pictures, out=run, pretrained=pretrained, outcome="label", mode=mode, seeds=2, settings=FINETUNE
    )
    assert again.equals(table)


def test_its_run_predicts(pictures: Path, pretrained: Path, tmp_path: Path):
    run = tmp_path / "run"
    table = finetune_archive(
        pictures, out=run, pretrained=pretrained, outcome="label", mode="frozen", settings=FINETUNE
    )
    other = picture_archive(tmp_path / "other", 4, first=500)
    elsewhere = predict(run, archive=other)
    assert elsewhere.height == 8
    assert set(elsewhere["cohort"]) == {"external"}
    with pytest.raises(InputError, match=r"^10 patients of this archive were seen"):
        predict(run, archive=pictures)
    left = predict(run, archive=pictures, skip_seen=True)
    assert left["unit_id"].to_list() == table["unit_id"].to_list()
    assert set(left["cohort"]) == {"internal"}  # patients of the hospital that was trained on
    np.testing.assert_allclose(left["score"].to_numpy(), table["score"].to_numpy(), atol=1e-6)


def test_another_encoder_in_the_same_folder_is_refused(pictures: Path, pretrained: Path, tmp_path: Path):
    run = tmp_path / "run"
    finetune_archive(pictures, out=run, pretrained=pretrained, outcome="label", mode="frozen", settings=FINETUNE)
    pretrain_archive(pictures, out=tmp_path / "other", settings=PICTURES, seed=1)
    with pytest.raises(InputError, match="encoder: "):
        finetune_archive(
            pictures, out=run, pretrained=tmp_path / "other", outcome="label", mode="frozen", settings=FINETUNE
        )


def test_without_a_split_the_test_is_whom_the_encoder_left_out(tmp_path: Path):
    archive = picture_archive(tmp_path / "pictures", 20, split=False)
    pretrain_archive(archive, out=tmp_path / "pretrained", settings=PICTURES, seed=2)
    data = in_memory(archive)
    seen = seen_by(tmp_path / "pretrained", data)
    assert data.units.filter(~seen)["subject_id"].n_unique() == 4
    assert np.array_equal(~seen, held(data, 2))
    for seeds in (1, 2):
        table = finetune_archive(
            archive,
            out=tmp_path / f"run{seeds}",
            pretrained=tmp_path / "pretrained",
            outcome="label",
            mode="frozen",
            seeds=seeds,
            settings=FINETUNE,
            even_if_collapsed=True,
        )
        assert set(table["unit_id"]) == set(data.units.filter(~seen)["unit_id"])


def test_an_encoder_from_another_hospital_leaves_folds_to_test_on(pretrained: Path, tmp_path: Path):
    archive = picture_archive(tmp_path / "elsewhere", 20, split=False, first=300)
    table = finetune_archive(
        archive,
        out=tmp_path / "run",
        pretrained=pretrained,
        outcome="label",
        mode="frozen",
        seeds=5,
        settings=FINETUNE,
    )
    assert table["unit_id"].n_unique() == table.height == 40
    # Each seed's model has seen the patients it was labelled with, though its encoder came from elsewhere.
    model = load_model(tmp_path / f"run/cells/image_jepa/frozen/1/seed-0/{FILE}")
    data = in_memory(archive)
    tested = data.units["unit_id"].is_in(table.filter(pl.col("seed") == 0)["unit_id"].implode()).to_numpy()
    assert np.array_equal(model.preprocessing.fitted_on.seen(data), ~tested)


def test_from_scratch_every_patient_is_tested_once(tmp_path: Path):
    archive = picture_archive(tmp_path / "pictures", 20, split=False)
    table = finetune_archive(
        archive,
        out=tmp_path / "run",
        pretrained=None,
        outcome="label",
        mode="finetune",
        seeds=5,
        pretraining=PICTURES,
        settings=FINETUNE,
    )
    assert table["unit_id"].n_unique() == table.height == 40
    assert set(table["arm"]) == {"scratch"}


def test_a_test_patient_that_was_pretrained_on_is_refused(pretrained: Path, tmp_path: Path):
    """The same patients, another key, another split: known by their pixels."""
    folder = tmp_path / "pictures"
    archive = picture_archive(folder)
    rows = pl.read_csv(folder / "table.csv").with_columns(
        pl.when(pl.col("split") == "test").then(pl.lit("train")).otherwise(pl.lit("test")).alias("split")
    )
    rows.write_csv(folder / "swapped.csv")
    ingest_images(
        folder / "files",
        table=folder / "swapped.csv",
        into=tmp_path / "swapped",
        image="file",
        subject="patient",
        label="label",
        split="split",
    )
    assert archive.exists()
    with pytest.raises(InputError, match="20 labelled test units are of patients that were pretrained on"):
        finetune_archive(
            tmp_path / "swapped",
            out=tmp_path / "run",
            pretrained=pretrained,
            outcome="label",
            mode="frozen",
            settings=FINETUNE,
        )


def test_a_val_side_is_the_test_where_there_is_no_other(pictures: Path):
    data = in_memory(pictures)
    val = replace(data, units=data.units.with_columns(pl.col("split").replace({"test": "val"})))
    assert np.array_equal(held(val, 0), (data.units["split"] == "test").to_numpy())


def test_patients_as_units(tmp_path: Path):
    archive = picture_archive(tmp_path / "pictures", 12, of_patient=True)
    table = finetune_archive(
        archive,
        out=tmp_path / "run",
        pretrained=None,
        outcome="label",
        mode="finetune",
        pretraining=PICTURES,
        settings=FINETUNE,
    )
    assert table["unit_id"].to_list() == table["subject_id"].to_list()
    assert table.height == 6
    other = picture_archive(tmp_path / "other", 4, first=500, of_patient=True)
    found = predict(tmp_path / "run", archive=other)
    assert (found.height, sorted(found["label"])) == (4, [0, 0, 1, 1])


def test_units_with_nothing_that_the_encoder_reads_are_left_out(pretrained: Path, tmp_path: Path):
    """Half of the labelled pictures are gone from the archive's list of images."""
    archive = picture_archive(tmp_path / "elsewhere", 20, first=300)
    name = "images/0001.parquet"
    rewrite(archive, name, pl.read_parquet(archive / name).gather_every(2))
    table = finetune_archive(
        archive, out=tmp_path / "run", pretrained=pretrained, outcome="label", mode="frozen", settings=FINETUNE
    )
    assert table.height == 10


def test_volumes_and_readings_of_ones_own(tmp_path: Path):
    archive = nodule_archive(tmp_path / "nodules", 18)
    verdict = pretrain_archive(archive, out=tmp_path / "pretrained", settings=PRETRAIN)
    assert verdict
    table = finetune_archive(
        archive,
        out=tmp_path / "run",
        pretrained=tmp_path / "pretrained",
        outcome="malignancy",
        mode="frozen",
        settings=FINETUNE,
    )
    assert set(table["arm"]) == {"multimodal_jepa"}
    only = pretrain_archive(
        archive, out=tmp_path / "readings", settings=replace(PRETRAIN, loop=LOOP), modalities=("image",)
    )
    assert "cross-modal" in only or not only.startswith("Healthy")
    assert (tmp_path / "readings/pretrained/image_jepa/seed-0" / FILE).exists()


def test_what_cannot_work_is_one_clear_line(pictures: Path, pretrained: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"pictures without a spacing.*--model\.image patches"):
        pretrain_archive(pictures, out=tmp_path / "a", settings=PRETRAIN)
    pretrain_archive(pictures, out=tmp_path / "a", settings=PICTURES)
    with pytest.raises(InputError, match="the archive has no reading"):
        modalities_of(in_memory(pictures).modalities, ("reading",))
    with pytest.raises(InputError, match="holds 0 pretrained models"):
        finetune_archive(pictures, out=tmp_path / "b", pretrained=tmp_path, outcome="label", settings=FINETUNE)
    for wrong, words in (
        ({"mode": "thaw"}, "no mode 'thaw'"),
        ({"fraction": 0.0}, r"fractions \(0\.0,\) must lie above 0"),
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"outcome": "grade"}, "no outcome 'grade'; it has label"),
    ):
        given = {"outcome": "label", "mode": "frozen", "settings": FINETUNE} | wrong
        with pytest.raises(InputError, match=words):
            finetune_archive(pictures, out=tmp_path / "c", pretrained=pretrained, **given)  # pyright: ignore[reportArgumentType]


def test_no_original_id_or_file_name_is_in_any_file(pictures: Path, pretrained: Path, tmp_path: Path):
    finetune_archive(
        pictures, out=tmp_path / "run", pretrained=pretrained, outcome="label", mode="frozen", settings=FINETUNE
    )
    for root in (pictures, pretrained, tmp_path / "run"):
        for path in (path for path in root.rglob("*") if path.is_file()):
            text = path.read_bytes()
            text += pl.read_parquet(path).write_json().encode() if path.suffix == ".parquet" else b""
            assert b"CANARY" not in text, path.name
            assert b"scan-0" not in text, path.name


def test_a_collapsed_encoder_is_refused_unless_asked_for(pictures: Path, pretrained: Path, tmp_path: Path):
    run = shutil.copytree(pretrained, tmp_path / "collapsed")
    (path,) = run.glob(f"pretrained/*/seed-*/{FILE}")
    words = "Collapsed: the embedding hardly differs between patients. Do not use this encoder."
    replace(load_model(path), verdict=words).save(path.parent)
    fit = partial(finetune_archive, pictures, pretrained=run, outcome="label", mode="frozen", settings=FINETUNE)
    with pytest.raises(InputError, match=r"Collapsed: .* --even-if-collapsed takes it all the same"):
        fit(out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    fit(out=tmp_path / "run", even_if_collapsed=True)
    assert words in read_record(tmp_path / "run")["arms"]["image_jepa"]["start"]
    (tuned,) = (tmp_path / "run").glob(f"cells/**/{FILE}")
    assert load_model(tuned).verdict == words
