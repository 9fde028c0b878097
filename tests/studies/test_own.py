"""Every arm and every simple rival on an archive of one's own, and at another hospital, from one command."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from semeia.cli import main
from semeia.errors import InputError
from semeia.evaluation import check_predictions
from semeia.learning.linear import FILE as LINEAR
from semeia.learning.linear import load_linear
from semeia.learning.model import FILE, load_model
from semeia.studies.own import OwnSettings, open_own, own_study
from semeia.studies.resume import resume_study
from semeia.studies.run.study import Inputs
from small_training import FINETUNE, PRETRAIN, Ran, nodule_archive

SETTINGS = OwnSettings(
    outcome="malignancy",
    seeds=(1,),
    fractions=(1.0,),
    pretraining=PRETRAIN,
    finetuning=FINETUNE,
    draws=100,
    workers=1,
)
JEPA, SCRATCH, RANDOM = ("frozen", "finetune", "probe_finetune"), ("finetune",), ("frozen",)
NETWORKS = {"jepa": JEPA, "scratch": SCRATCH, "random": RANDOM}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("own")
    home = nodule_archive(folder / "home", 30)
    other = nodule_archive(folder / "other", 9, first=100, seed=7)
    report = own_study(home, out=folder / "run", settings=SETTINGS, external=other)
    assert report == folder / "run" / "report.html"
    return Ran(folder / "run", Inputs(home, other))


def test_every_arm_and_every_rival_is_in_the_predictions(ran: Ran):
    check_predictions(ran.predictions)
    arms = set(ran.predictions.select("arm", "mode").unique().iter_rows())
    groups = ("multimodal", "image")
    expected = {(f"{g}_{start}", mode) for g in groups for start, modes in NETWORKS.items() for mode in modes}
    expected |= {("image_simclr", mode) for mode in NETWORKS["jepa"]}
    rivals = {"image_components", "reading_logistic", "reading_boosting", "multimodal_logistic"}
    shortcuts = {arm for arm, _ in arms if arm.startswith("only_")}
    assert arms == expected | {(arm, "none") for arm in rivals | shortcuts}
    # A shortcut for each covariate that differs between units, and none for a name or a number of a patient.
    assert {"only_diameter_mm", "only_z_extent_mm", "only_manufacturer"} <= shortcuts
    assert {arm.removeprefix("only_") for arm in shortcuts} <= set(ran.predictions.columns)
    about = json.loads((ran.run / "run.json").read_text())
    assert (about["study"], about["outcome"], about["state"]) == ("own", "malignancy", "finished")
    assert {about["arms"][arm]["role"] for arm in shortcuts} == {"shortcut"}
    assert set(about["arms"]) == {arm for arm, _ in arms}


def test_every_arm_scores_the_same_units_of_both_hospitals(ran: Ran):
    groups = ran.predictions.partition_by("arm", "mode")
    assert len({tuple(group["unit_id"]) for group in groups}) == 1
    cohorts = groups[0].group_by("cohort").agg(pl.col("subject_id").n_unique()).sort("cohort")
    # All nine patients outside, and those of one fold of five inside, who have a label.
    assert cohorts.rows() == [("external", 9), ("internal", 6)]
    results = pl.read_csv(ran.run / "results.csv")
    assert set(results["cohort"]) == {"internal", "external"}
    assert {"multimodal_scratch/finetune", "multimodal_random/frozen"} <= set(results["reference"].drop_nulls())


def test_the_other_hospital_is_only_tested(ran: Ran):
    material = open_own(ran.inputs, SETTINGS, ran.run / "cache")
    outside, tested = material.cohort == "external", material.testing(1)
    assert outside.sum() == 18
    assert tested[outside].all()
    prints = [load_model(path).preprocessing.fitted_on for path in ran.run.glob(f"**/{FILE}")]
    prints += [load_linear(path).fitted_on for path in ran.run.glob(f"**/{LINEAR}")]
    assert len(prints) > 10
    for mark in prints:
        seen = mark.seen(material.dataset)  # pyright: ignore[reportArgumentType]
        assert seen.any()
        assert not seen[tested].any()
    audit = pl.read_csv(ran.run / "tables" / "leakage.csv")
    told = audit.filter(pl.col("check").str.contains("ested patients"))
    assert told.height == 2
    assert set(told["state"]) == {"clear"}


def test_the_page_says_what_pretraining_did(ran: Ran):
    page = (ran.run / "report.html").read_text(encoding="utf-8")
    assert "<h1>Does pretraining on unlabelled data improve the prediction of malignancy?</h1>" in page
    for words in ("Everything, pretrained", "Everything, from scratch", "diameter_mm alone", "The external archive"):
        assert words in page
    for path in (path for path in ran.run.rglob("*") if path.is_file()):
        assert b"LIDC-IDRI-9" not in path.read_bytes(), path.name


def test_it_goes_on_and_trains_nothing_again(ran: Ran):
    before = {path: path.stat().st_mtime_ns for path in ran.run.glob("cells/**/cell.json")}
    table = ran.predictions
    with pytest.raises(InputError, match="was begun with --external; give it again"):
        resume_study(ran.run, ran.inputs.archive)
    resume_study(ran.run, ran.inputs.archive, external=ran.inputs.external)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert ran.predictions.equals(table)
    np.testing.assert_array_equal(sorted({path.parts[-1] for path in before}), ["cell.json"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "name the outcome with --outcome; it has malignancy"),
        (["--outcome", "malignency"], "no outcome 'malignency'; it has malignancy"),
        (["--outcome", "malignancy", "--seeds", "[7]"], "seeds (7,) must be among the folds 0 to 4"),
        (["--outcome", "malignancy", "--fractions", "[0]"], "fractions (0.0,) must lie above 0"),
        (["--outcome", "malignancy", "--modalities", "sound"], "the archive has no sound; it has image, reading"),
        (["--outcome", "malignancy", "--external", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_work_is_one_line_and_leaves_nothing(
    ran: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
):
    out = tmp_path / "run"
    assert main(["study", "own", str(ran.inputs.archive), "--out", str(out), *options]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert words in said[-1]
    assert not out.exists()
