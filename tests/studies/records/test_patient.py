"""The study of patients with scans and records: one run on a small linked archive, and on another hospital's."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from linked_archive import OUTCOME, SIGNATURES, linked_archive
from semeia.archive import open_archive
from semeia.cli import main
from semeia.errors import InputError
from semeia.evaluation import check_predictions
from semeia.learning.model import FILE, load_model
from semeia.signatures.model import load_signatures
from semeia.studies.export import export
from semeia.studies.predict import predict
from semeia.studies.records.blocks import signature_folder
from semeia.studies.records.patient import patient_study
from semeia.studies.records.patient_data import ACROSS, PatientSettings, open_patients
from semeia.studies.run.study import Inputs
from small_training import FINETUNE, PRETRAIN, Ran

JEPA = replace(PRETRAIN.objective.jepa, masks=ACROSS.jepa.masks)
SETTINGS = PatientSettings(
    outcome=OUTCOME,
    seeds=(1,),
    demographics=True,
    incomplete=True,
    signatures=SIGNATURES,
    pretraining=replace(PRETRAIN, objective=replace(PRETRAIN.objective, jepa=JEPA)),
    finetuning=FINETUNE,
    draws=100,
    workers=1,
)
NETWORKS = {
    "multimodal_jepa": ("frozen", "finetune", "probe_finetune"),
    "image_jepa": ("frozen", "finetune", "probe_finetune"),
    **dict.fromkeys(("multimodal_clip", "multimodal_supervised", "multimodal_last"), ("finetune",)),
    **{f"{group}_scratch": ("finetune",) for group in ("multimodal", "image", "record")},
    "multimodal_random": ("frozen",),
}
SIMPLE = ("record_logistic", "record_boosting", "multimodal_logistic", "features_boosting", "only_scans", "only_events")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("patient")
    linked_archive(folder / "home", 60, recordless=3)
    linked_archive(folder / "away", 20, first=100, site="south")
    inputs = Inputs(folder / "home", folder / "away")
    report = patient_study(inputs.archive, out=folder / "run", settings=SETTINGS, external=inputs.external)
    assert report == folder / "run" / "report.html"
    return Ran(folder / "run", inputs)


def test_every_arm_scores_the_same_patients_here_and_elsewhere(ran: Ran):
    check_predictions(ran.predictions)
    arms = set(ran.predictions.select("arm", "mode").unique().iter_rows())
    assert arms == {(a, m) for a, modes in NETWORKS.items() for m in modes} | {(a, "none") for a in SIMPLE}
    for _, seed in ran.predictions.group_by("seed"):
        groups = seed.partition_by("arm", "mode")
        assert len({tuple(group["unit_id"]) for group in groups}) == 1
        assert set(groups[0]["cohort"]) == {"internal", "external"}
    about = json.loads((ran.run / "run.json").read_text())
    assert (about["study"], about["state"]) == ("patient", "finished")
    assert [one["seed"] for one in about["signatures"]] == [1]
    known = {one["arm"]: one["verdict"] for one in about["pretraining"]}
    assert known.keys() == {"multimodal_jepa", "image_jepa", "multimodal_clip", "multimodal_supervised"}
    assert "patients without a record" in known["multimodal_supervised"]
    assert "Patients through time" in (ran.run / "report.html").read_text()


def test_whoever_lacks_scans_is_known_by_the_share_of_the_labels_to_an_arm_of_scans(ran: Ran):
    material = open_patients(ran.inputs, SETTINGS, ran.run / "cache")
    scanless = material.units.filter(pl.Series(~material.dataset.observed("scan")))["unit_id"]  # pyright: ignore
    rows = ran.predictions.filter(pl.col("unit_id").is_in(scanless.implode()), arm="image_scratch")
    assert rows.height > 0
    assert (rows.group_by("seed").agg(pl.col("score").n_unique())["score"] == 1).all()
    other = ran.predictions.filter(pl.col("unit_id").is_in(scanless.implode()), arm="record_scratch")
    assert other["score"].n_unique() == other.height


def test_signatures_and_networks_have_seen_nobody_who_is_tested(ran: Ran):
    material = open_patients(ran.inputs, SETTINGS, ran.run / "cache")
    home = open_archive(ran.inputs.archive)
    for seed in SETTINGS.seeds:
        tested = material.testing(seed)
        inside = (material.cohort == "internal") & tested
        fitted = load_signatures(signature_folder(ran.run, seed)).fitted_on
        assert len(fitted.patients) == 48
        assert not fitted.seen(home, material.subjects[inside].tolist())
        for path in ran.run.glob(f"**/seed-{seed}/{FILE}"):
            seen = load_model(path).preprocessing.fitted_on.seen(material.dataset)  # pyright: ignore[reportArgumentType]
            assert seen.any()
            assert not seen[tested].any()
    audit = pl.read_csv(ran.run / "tables" / "leakage.csv")
    told = audit.filter(pl.col("check").str.starts_with("Tested patients"))
    assert told["state"].to_list() == ["clear", "clear"]


def test_labels_of_patients_without_a_record_are_for_one_arm_only(ran: Ran):
    material = open_patients(ran.inputs, SETTINGS, ran.run / "cache")
    whole = open_patients(ran.inputs, replace(SETTINGS, incomplete=False), ran.run / "cache")
    labels, all_labels = material.labels[OUTCOME], whole.labels[OUTCOME]
    apart = ~np.isnan(material.extra)
    assert apart.sum() > 5
    assert (material.units["events"].to_numpy()[apart] == 0).all()
    np.testing.assert_array_equal(np.isnan(labels), np.isnan(all_labels) | apart)
    np.testing.assert_array_equal(material.extra[apart], all_labels[apart])
    assert not (apart & (material.cohort == "external")).any()


@pytest.mark.parametrize("arm", ["multimodal_jepa", "multimodal_logistic"])
def test_another_archive_is_scored_with_any_part_of_it(ran: Ran, tmp_path: Path, arm: str):
    mode = NETWORKS.get(arm, ("", "none"))[1]
    other = linked_archive(tmp_path / "other", 12, first=200, site="west").path
    where = {"archive": other, "arm": arm, "mode": mode, "seeds": "each"}
    both, scans, record = (
        predict(ran.run, modalities=names, **where)  # pyright: ignore[reportArgumentType]
        for names in (None, ("scan",), ("signatures", "demographics"))
    )
    assert set(both["seed"]) == {1}
    told = both.join(scans, on=("unit_id", "seed")).join(record, on=("unit_id", "seed"), suffix="_record")
    assert told.filter(pl.col("score") != pl.col("score_right")).height > told.height / 2
    assert told.filter(pl.col("score") != pl.col("score_record")).height > told.height / 2
    # A hospital without records gets what hiding the record gives.
    bare = linked_archive(tmp_path / "bare", 12, first=200, site="west", recordless=1).path
    if arm == "multimodal_jepa":
        there = predict(ran.run, **where | {"archive": bare}, modalities=("scan",))  # pyright: ignore[reportArgumentType]
        assert there.select("unit_id", "seed", "score").equals(scans.select("unit_id", "seed", "score"))
    # What is exported takes its signatures along.
    exported = export(ran.run, out=tmp_path / "model", arm=arm, mode=mode)
    assert predict(exported, **where)["score"].to_list() == both["score"].to_list()  # pyright: ignore[reportArgumentType]


def test_a_record_model_knows_whom_its_signatures_were_fitted_on(ran: Ran):
    with pytest.raises(InputError, match="were seen in training"):
        predict(ran.run, archive=ran.inputs.archive, arm="record_logistic", mode="none")
    left = predict(ran.run, archive=ran.inputs.archive, arm="record_logistic", mode="none", skip_seen=True)
    tested = ran.predictions.filter(arm="record_logistic", cohort="internal")
    assert set(tested["unit_id"]) <= set(left["unit_id"])
    assert left.height <= 12


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "name the outcome with --outcome; it has cancer"),
        (["--outcome", "death"], "no outcome 'death'; it has cancer"),
        (["--outcome", "cancer", "--seeds", "[9]"], "seeds (9,) must be among the folds 0 to 4"),
        (["--outcome", "cancer", "--modalities", "sound"], "the archive has no sound; it has scan"),
    ],
)
def test_what_cannot_work_is_one_line(
    ran: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
):
    assert main(["study", "patient", str(ran.inputs.archive), "--out", str(tmp_path / "run"), *options]) == 2
    assert words in capsys.readouterr().err.strip().splitlines()[-1]
    assert not (tmp_path / "run").exists()
