"""What training on one's own archive refuses, counts and says, before it costs anybody time."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import torch

from semeia.cli import main
from semeia.data.crops import CropSettings
from semeia.data.modalities import Picture
from semeia.data.modality import History
from semeia.errors import InputError
from semeia.readers import ingest_images
from semeia.studies.run.grid import list_cells
from semeia.studies.run.record import read_record
from semeia.studies.single import finetune_archive, pretrain_archive
from small_training import FINETUNE, FLAT, PICTURES, PRETRAIN, nodule_archive, picture_archive

pytestmark = pytest.mark.usefixtures("short_evaluation")


def test_pretraining_goes_on_with_its_own_seed_only(pictures: Path, tmp_path: Path):
    pretrain_archive(pictures, out=tmp_path / "run", settings=PICTURES, seed=0)
    with pytest.raises(InputError, match=r"\(seed: 0 then, 1 now\); use another folder"):
        pretrain_archive(pictures, out=tmp_path / "run", settings=PICTURES, seed=1)
    assert list_cells(tmp_path / "run").select("cell", "state").rows() == [("pretrained/image_jepa/seed-0", "finished")]
    with pytest.raises(InputError, match=r"seeds is \[-1\]; it must be 0 or more"):
        pretrain_archive(pictures, out=tmp_path / "other", settings=PICTURES, seed=-1)
    assert not (tmp_path / "other").exists()


def test_a_crop_of_one_patch_has_nothing_to_hide(pictures: Path, tmp_path: Path):
    one = replace(PICTURES.model, crop=CropSettings(voxels=(1, 8, 8), patch=(1, 8, 8)))
    with pytest.raises(InputError, match=r"image makes 1 token.*take a larger crop or smaller patches"):
        pretrain_archive(pictures, out=tmp_path / "run", settings=replace(PICTURES, model=one))
    assert not (tmp_path / "run").exists()
    pretrain_archive(pictures, out=tmp_path / "run", settings=PICTURES)


def test_too_few_patients_in_words_one_can_act_on(tmp_path: Path):
    few = picture_archive(tmp_path / "few", 4, split=False)
    with pytest.raises(InputError, match=r"has 4 patients; .* takes 5 patients or more: add patients, or ingest with"):
        pretrain_archive(few, out=tmp_path / "run", settings=PICTURES)
    assert not (tmp_path / "run").exists()
    pair = picture_archive(tmp_path / "pair", 4, split=True)
    with pytest.raises(
        InputError, match=r"of the patients to train on, 1 are labelled (positive|negative), and at least 2 are"
    ):
        finetune_archive(pair, out=tmp_path / "run", pretrained=None, outcome="label", pretraining=PICTURES)
    assert not (tmp_path / "run").exists()
    table = pl.read_csv(pair.parent / "table.csv").with_columns(split=pl.lit("test"))
    table.write_csv(tmp_path / "all.csv")
    columns = {"image": "file", "subject": "patient", "split": "split"}
    ingest_images(pair.parent / "files", table=tmp_path / "all.csv", into=tmp_path / "tested", **columns)
    with pytest.raises(InputError, match="no patient is left to pretrain on: all are set aside for testing"):
        pretrain_archive(tmp_path / "tested", out=tmp_path / "run", settings=PICTURES)


def test_what_is_not_read_is_said_and_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Two pictures of each patient, who is the unit: both are read, or the newest, where that is asked for."""
    archive = picture_archive(tmp_path / "pictures", 8, split=False)
    columns = {"image": "file", "subject": "patient", "unit": "patient", "label": "label"}
    ingest_images(archive.parent / "files", table=archive.parent / "table.csv", into=tmp_path / "archive", **columns)
    pretrain_archive(tmp_path / "archive", out=tmp_path / "both", settings=PICTURES)
    assert (read_record(tmp_path / "both")["read"], read_record(tmp_path / "both")["left_out"]) == ({"image": 8}, {})
    newest = Picture(crop=FLAT, network="patches", history=History(most=1))
    model = replace(PICTURES.model, modalities={"image": newest})
    pretrain_archive(tmp_path / "archive", out=tmp_path / "newest", settings=replace(PICTURES, model=model))
    words = "'image' observations beyond the 1 newest of a unit, or of none"
    assert f"not read: 8 {words}" in caplog.text
    about = read_record(tmp_path / "newest")
    assert (about["read"], about["left_out"]) == ({"image": 8}, {words: 8})


def test_pictures_beside_more_volumes_are_counted_and_the_volumes_read(tmp_path: Path):
    archive = nodule_archive(tmp_path / "nodules", 8)
    other = picture_archive(tmp_path / "pictures", 4, first=700).parent
    ingest_images(other / "files", table=other / "table.csv", into=archive, image="file", subject="patient")
    pretrain_archive(archive, out=tmp_path / "run", settings=PRETRAIN)
    about = read_record(tmp_path / "run")
    assert about["read"]["image"] == 16
    assert about["left_out"]["images that are no volumes"] == 8


def test_the_record_of_a_fine_tuned_encoder_has_the_encoders_settings(pictures: Path, pretrained: Path, tmp_path: Path):
    run = tmp_path / "run"
    finetune_archive(pictures, out=run, pretrained=pretrained, outcome="label", mode="frozen", settings=FINETUNE)
    own, of_encoder = read_record(run)["config"]["pretraining"], read_record(pretrained)["config"]
    read = own["model"]["modalities"]["image"]
    assert own["model"]["encoder"] == of_encoder["model"]["encoder"]
    assert (read["crop"], read["network"]) == (of_encoder["model"]["crop"], "patches")
    assert (own["model"]["crop"], own["model"]["image"]) == (of_encoder["model"]["crop"], "patches")
    assert (own["optimiser"], own["objective"]) == (of_encoder["optimiser"], of_encoder["objective"])
    other = replace(PICTURES, optimiser=replace(PICTURES.optimiser, steps=9))
    with pytest.raises(InputError, match="with --pretrained leave them out"):
        finetune_archive(pictures, out=tmp_path / "b", pretrained=pretrained, outcome="label", pretraining=other)


def test_an_encoder_of_pictures_is_not_tuned_on_volumes(pretrained: Path, tmp_path: Path):
    archive = nodule_archive(tmp_path / "nodules", 8)
    with pytest.raises(InputError, match=r"trained on .*; this archive holds 0 pictures and 16 volumes"):
        finetune_archive(archive, out=tmp_path / "run", pretrained=pretrained, outcome="malignancy", settings=FINETUNE)
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_after_a_wrong_device_the_right_one_may_have_the_folder(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    small = ["--model.image", "patches", "--model.crop.voxels", "[1,16,16]", "--model.crop.patch", "[1,4,4]"]
    small += ["--model.encoder.dim", "16", "--model.encoder.depth", "1", "--model.encoder.heads", "2"]
    small += ["--optimiser.steps", "2", "--optimiser.batch", "8"]
    words = ["pretrain", str(pictures), "--out", str(tmp_path / "run"), *small]
    for wrong in (["--loop.device", "cuda"], ["--held_out", "1.5"], ["--seed", "-1"], ["--loop.log_every", "-3"]):
        assert main([*words, *wrong]) == 2
        assert not (tmp_path / "run").exists()
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert main([*words, "--loop.log_every", "0"]) == 0
