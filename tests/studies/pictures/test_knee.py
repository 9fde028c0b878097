"""The knee study on miniature archives, from ingest to report: nobody leaks, what is deleted is made again to the bit,
and the run scores and judges yet another hospital's pictures in whatever form they come.
"""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from html_tree import parse
from knee_study import FORMS, TRAINING, follow_up_csv, knee_archive
from semeia.archive.keys import own_key
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings, check_predictions, read_predictions
from semeia.learning.model import FILE, load_model
from semeia.readers.images.knees import OUTCOME
from semeia.report.evaluation_folder import evaluate_table
from semeia.studies.pictures import knee
from semeia.studies.pictures.knee import KNEE_STUDY, knee_study, open_knees
from semeia.studies.pictures.knee_settings import KneeSettings
from semeia.studies.predict import predict
from semeia.studies.run import record, runner
from semeia.studies.run.grid import delete_cells
from semeia.studies.run.runner import plan
from semeia.studies.run.study import Inputs, Material, fold_of

SETTINGS = KneeSettings(
    starts=("random", "simclr", "simclr_oa", "simclr_matched"),
    seeds=(0,),
    fractions=(0.5, 1.0),
    training=TRAINING,
    draws=100,
    workers=1,
)


@dataclass(frozen=True)
class Study:
    """A finished study, and where its files were."""

    run: Path
    report: Path
    sources: Inputs
    settings: KneeSettings

    def knees(self) -> Material:
        return open_knees(self.sources, self.settings, self.run / "cache")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("knees")
    home = knee_archive(folder / "home", 45, ungraded=3)
    other = knee_archive(folder / "other", 15, first=500, side=False, split=False, forms=FORMS)
    report = knee_study(home, out=folder / "run", settings=SETTINGS, external=other)
    return Study(folder / "run", report, Inputs(home, external=other), SETTINGS)


def followed(material: Material) -> Material:
    """The same knees, of which is known what became of them."""
    unknown = np.full(len(material.cohort), np.nan)
    return replace(material, labels=material.labels | {"incidence": unknown, "progression": unknown})


def test_the_plan_has_every_cell_once(study: Study):
    material = study.knees()
    first, then = plan(KNEE_STUDY, study.sources, SETTINGS, followed(material))
    assert len(set(first)) == len(first) == 3
    assert len(set(then)) == len(then)
    named = {(cell.arm, cell.axis("outcome")) for cell in then}
    assert {("simclr", "incidence"), ("picture_components", "progression"), ("simclr", "")} <= named
    there = {path.parent.relative_to(study.run).as_posix() for path in study.run.glob("*/**/cell.json")}
    first, then = plan(KNEE_STUDY, study.sources, SETTINGS, material)
    assert there == {cell.name for cell in first + then}


def test_both_heads_are_of_the_grade_only(study: Study):
    both = replace(SETTINGS, heads=("nominal", "ordinal"))
    _, then = plan(KNEE_STUDY, study.sources, both, followed(study.knees()))
    assert {"random", "random_ordinal", "simclr_ordinal"} <= {cell.arm for cell in then}
    assert {cell.axis("outcome") for cell in then if "ordinal" in cell.arm} == {""}
    assert not [cell for cell in then if cell.arm.startswith("picture_components_")]


def test_what_the_study_leaves_behind(study: Study):
    run = study.run
    about = json.loads((run / "run.json").read_text())
    assert (about["study"], about["state"], about["seeds"]) == ("knee", "finished", [0])
    assert [item["arm"] for item in about["pretraining"]] == ["simclr", "simclr_oa", "simclr_matched"]
    assert all(item["verdict"] and item["patients"] for item in about["pretraining"])
    oa, matched = (item["units"] for item in about["pretraining"][1:])
    assert oa == matched < about["pretraining"][0]["units"]
    assert about["flow"]["unit"] == "knee"
    assert any("Kellgren-Lawrence" in limit for limit in about["limits"])
    predictions = read_predictions(run / "predictions.parquet")
    check_predictions(predictions)
    assert set(predictions["outcome"]) == {OUTCOME}
    assert {"score_0", "score_4", "side"} <= set(predictions.columns)
    results = pl.read_csv(run / "results.csv")
    assert {"macro_auroc", "quadratic_kappa", "recall_4"} <= set(results["metric"])
    assert set(results["cohort"]) == {"internal", "external"}
    against = {*results["reference"].drop_nulls()} - {""}
    assert against == {"random/frozen", "random/finetune", "simclr_matched/frozen", "picture_components/none"}


def test_no_stored_model_has_seen_a_patient_it_is_tested_on(study: Study):
    knees = study.knees()
    fold = fold_of(knees, OUTCOME, seed=0, fraction=1.0)
    paths = [*study.run.glob(f"**/{FILE}")]
    assert len(paths) > 10
    for path in paths:
        seen = load_model(path).preprocessing.fitted_on.seen(knees.dataset)
        assert seen.any()
        assert not seen[fold.test].any()
        assert not seen[knees.cohort == "external"].any()
    audit = pl.read_csv(study.run / "tables" / "leakage.csv")
    assert "found" not in set(audit.filter(pl.col("check").str.contains("ested patients"))["state"])


def test_no_original_id_is_in_any_file(study: Study):
    named = (b"CANARY", b"scan-")
    files = [path for path in study.run.rglob("*") if path.is_file()]
    assert len(files) > 50
    for path in files:
        assert not [one for one in named if one in path.read_bytes()], path.name
        if path.suffix == ".parquet":
            assert "CANARY" not in pl.read_parquet(path).write_json(), path.name


def test_the_page_answers_shows_and_names_nobody(study: Study):
    text = study.report.read_text(encoding="utf-8")
    tree = parse(study.report)
    assert tree.tags
    keys = [tag.attributes["aria-labelledby"].removesuffix("-h") for tag in tree.named("section")]
    expected = ["answer", "results", "classes", "limits", "labels", "pretraining", "embedding", "pictures"]
    assert [key for key in keys if key in expected] == expected
    question = "Does pretraining on unlabelled data improve the prediction of the Kellgren-Lawrence grade?"
    assert f"<h1>{question}</h1>" in text
    assert "SimCLR (fine-tuned) was compared with Random weights (fine-tuned)" in text
    assert all(tag.attributes["alt"] for tag in tree.named("img"))
    units = set(pl.read_parquet(study.run / "predictions.parquet")["unit_id"])
    shown = text[text.index('<div id="pictures"') :].partition("</section>")[0]
    assert not [unit for unit in units if unit in shown]


def test_the_shown_arm_and_the_embeddings_follow_their_rules(study: Study):
    shown = json.loads((study.run / "pictures" / "pictures.json").read_text())
    assert (shown["arm"], shown["mode"], shown["fraction"], shown["seed"]) == ("simclr", "finetune", 1.0, 0)
    embedding = json.loads((study.run / "embedding.json").read_text())
    assert [one["arm"] for one in embedding["starts"]] == list(SETTINGS.starts)
    tested = fold_of(study.knees(), OUTCOME, seed=0, fraction=1.0).test
    assert len(embedding["labels"]) == len(tested)
    assert all(len(one["points"]) == len(tested) for one in embedding["starts"])


def test_a_deleted_cell_is_made_again_to_the_bit(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run = tmp_path / "run"
    shutil.copytree(study.run, run)
    monkeypatch.setattr(runner, "write_results", lambda *given, **named: [])
    without_pictures(monkeypatch)
    kept = {path: path.stat().st_mtime_ns for path in run.glob("cells/random/**/*") if path.is_file()}
    # The fine-tuned model goes with the encoder it began with.
    assert delete_cells(run, "pretrained/simclr/seed-0") + delete_cells(run, "cells/simclr/finetune/1/*") == 2
    knee_study(study.sources.archive, out=run, settings=SETTINGS, external=study.sources.external)
    before, after = (pl.read_parquet(folder / "predictions.parquet") for folder in (study.run, run))
    assert after.equals(before)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    with pytest.raises(InputError, match="draws: 100 then, 200 now"):
        knee_study(
            study.sources.archive,
            out=run,
            settings=replace(SETTINGS, draws=200),
            external=study.sources.external,
        )


@pytest.fixture(scope="module", params=["wide", FORMS])
def elsewhere(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    forms = (request.param,) if isinstance(request.param, str) else request.param
    return knee_archive(tmp_path_factory.mktemp("elsewhere"), 12, first=900, side=False, split=False, forms=forms)


def test_the_run_scores_a_hospital_it_never_saw_and_is_judged_there(study: Study, elsewhere: Path, tmp_path: Path):
    table = predict(study.run, archive=elsewhere, arm="simclr", mode="frozen", fraction=1.0)
    assert table.height == 24
    assert set(table["outcome"]) == {OUTCOME}
    assert table["label"].is_not_null().all()
    check_predictions(table)
    table.write_csv(tmp_path / "table.csv")
    evaluate_table(
        tmp_path / "table.csv", out=tmp_path / "evaluated", settings=EvaluationSettings(draws=100, ordinal=True)
    )
    results = pl.read_csv(tmp_path / "evaluated" / "results.csv")
    assert {"macro_auroc", "quadratic_kappa"} <= set(results["metric"])


def test_the_form_of_the_pictures_hardly_moves_a_score(study: Study, tmp_path: Path):
    key = own_key(study.sources.archive)
    scores = []
    for form in ("8 bit", "16 bit", "colour", "inverted"):
        archive = knee_archive(tmp_path / form, 6, first=900, side=False, split=False, forms=(form,), key=key)
        table = predict(study.run, archive=archive, arm="random", mode="frozen", fraction=1.0, outcome=OUTCOME)
        scores.append(table.sort("unit_id").select("unit_id", *(f"score_{grade}" for grade in range(5))))
    for other in scores[1:]:
        assert other["unit_id"].equals(scores[0]["unit_id"])
        np.testing.assert_allclose(other[:, 1:].to_numpy(), scores[0][:, 1:].to_numpy(), atol=0.05)


def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the seconds that drawing takes where only the cells and tables are looked at."""
    monkeypatch.setattr(knee, "KNEE_STUDY", replace(KNEE_STUDY, extras=()))
    monkeypatch.setattr(record, "write_report", lambda run: run / "report.html")


def test_follow_up_is_an_outcome_of_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    without_pictures(monkeypatch)
    home = knee_archive(tmp_path / "home", 30)
    table = follow_up_csv(tmp_path, tmp_path / "home" / "files")
    settings = KneeSettings(
        starts=("random",), modes=("frozen",), seeds=(0,), fractions=(1.0,), training=TRAINING, draws=100, workers=1
    )
    knee_study(home, out=tmp_path / "run", settings=settings, outcomes=table)
    predictions = pl.read_parquet(tmp_path / "run" / "predictions.parquet")
    assert set(predictions["outcome"]) == {OUTCOME, "incidence", "progression"}
    assert set(predictions["arm"]) == {"random", "picture_components"}
    followed = predictions.filter(pl.col("outcome") != OUTCOME)
    assert followed["score"].is_between(0, 1).all()
    assert followed["score_0"].is_null().all()
    results = pl.read_csv(tmp_path / "run" / "results.csv")
    assert "auroc" in set(results.filter(pl.col("outcome") == "incidence")["metric"])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"starts": ("simclrr",)}, "no start 'simclrr'"),
        ({"modes": ("linear",)}, "no mode 'linear'"),
        ({"fractions": (0.0,)}, "fractions"),
        ({"seeds": ()}, "at least one head and one seed"),
        ({"draws": 10}, "draws is 10"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_runs(wrong: dict[str, object], words: str):
    with pytest.raises(InputError, match=words):
        KneeSettings(**wrong)  # pyright: ignore[reportArgumentType]


def test_imagenet_without_weights_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="needs --imagenet"):
        knee_study(tmp_path, out=tmp_path / "run", settings=KneeSettings(starts=("imagenet",)))
