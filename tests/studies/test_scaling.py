"""Curves of pretraining: the training side alone is read, every point is held against scratch, with its cost."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from semeia.archive.store import open_archive
from semeia.errors import InputError
from semeia.studies.run.protocol import FOLDS, kept_for_testing
from semeia.studies.run.study import Inputs, pretraining_rows
from semeia.studies.scaling import ScalingSettings, corpus_of, open_training_side, points, scaling_study
from small_training import FINETUNE, PRETRAIN, nodule_archive

SETTINGS = ScalingSettings(
    outcome="malignancy",
    objectives=("jepa", "simclr"),
    steps=(4,),
    shares=(0.5, 1.0),
    seeds=(1,),
    fractions=(1.0,),
    pretraining=PRETRAIN,
    finetuning=FINETUNE,
    draws=100,
    workers=1,
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nodule_archive(tmp_path_factory.mktemp("scaling") / "home", 40)


def test_no_unit_that_another_study_could_keep_for_testing_is_read(archive: Path, tmp_path: Path):
    material = open_training_side(Inputs(archive), SETTINGS, tmp_path)
    units = open_archive(archive).table("units").filter(pl.col("kind") != "patient")
    units = units.join(open_archive(archive).table("subjects").select("subject_id", "split"), on="subject_id")
    last = units.filter(kept_for_testing(units, outside=np.zeros(len(units), bool))(FOLDS - 1))
    assert len(last) > 0
    assert not set(material.units["unit_id"]) & set(last["unit_id"])
    assert set(material.units["unit_id"]) == set(units["unit_id"]) - set(last["unit_id"])


def test_a_smaller_share_of_the_patients_lies_inside_a_larger(archive: Path, tmp_path: Path):
    material = open_training_side(Inputs(archive), SETTINGS, tmp_path)
    rows = np.arange(len(material.units))
    half, most = (corpus_of(material, rows, 3, share=share) for share in (0.5, 0.9))
    patients = [set(material.subjects[some].tolist()) for some in (half, most, rows)]
    assert patients[0] < patients[1] < patients[2]
    assert len(patients[0]) == round(0.5 * len(patients[2]))


def test_equal_cost_gives_an_objective_that_costs_half_twice_the_steps():
    steps = {p.name: p.settings(PRETRAIN).optimiser.steps for p in points(SETTINGS)}
    assert (steps["simclr_4"], steps["jepa_4"], steps["jepa_4_0.5"]) == (4, 8, 8)


def test_a_further_archive_is_learnt_from_and_neither_tested_nor_labelled(archive: Path, tmp_path: Path):
    further = nodule_archive(tmp_path / "away", 30)
    settings = replace(SETTINGS, objectives=("simclr",), shares=(1.0,), corpora=("own", "both", "further"))
    alone = open_training_side(Inputs(archive), SETTINGS, tmp_path)
    material = open_training_side(Inputs(archive, further), settings, tmp_path)
    home = len(alone.units)
    assert material.units["unit_id"].head(home).to_list() == alone.units["unit_id"].to_list()
    assert np.isnan(material.labels["malignancy"][home:]).all()
    np.testing.assert_array_equal(material.labels["malignancy"][:home], alone.labels["malignancy"])
    for seed in range(FOLDS):
        np.testing.assert_array_equal(material.testing(seed)[:home], alone.testing(seed))
        assert not material.testing(seed)[home:].any()
    rows = pretraining_rows(material, 1)
    own, both, away = (corpus_of(material, rows, 1, share=1.0, corpus=corpus) for corpus in settings.corpora)
    np.testing.assert_array_equal(own, pretraining_rows(alone, 1))
    assert set(both) == set(own) | set(away)
    assert away.min() >= home
    run = tmp_path / "run"
    scaling_study(archive, out=run, settings=settings, further=further)
    table = pl.read_csv(run / "tables" / "scaling.csv")
    assert table["corpus"].unique(maintain_order=True).to_list() == list(settings.corpora)
    tested = pl.read_parquet(run / "predictions.parquet")["unit_id"]
    assert set(tested) <= set(alone.units["unit_id"])


def test_corpora_and_a_further_archive_are_given_together(archive: Path, tmp_path: Path):
    for inputs, corpora in ((Inputs(archive, archive), ("own",)), (Inputs(archive), ("both",))):
        with pytest.raises(InputError, match="--further names the archive"):
            open_training_side(inputs, replace(SETTINGS, corpora=corpora), tmp_path)


def test_every_point_is_held_against_scratch_with_its_cost(archive: Path, tmp_path: Path):
    run = tmp_path / "run"
    assert scaling_study(archive, out=run, settings=SETTINGS).exists()
    table = pl.read_csv(run / "tables" / "scaling.csv")
    assert set(table.select("objective", "steps", "share").unique().iter_rows()) == {
        (objective, 4, share) for objective in ("jepa", "simclr") for share in (0.5, 1.0)
    }
    results = pl.read_csv(run / "results.csv")
    same = table.filter((pl.col("reference") == "scratch/finetune") & (pl.col("metric") == "auroc"))
    assert len(same) > 0
    assert (table["seconds"] >= 0).all()
    row = same.filter((pl.col("objective") == "simclr") & (pl.col("share") == 1.0)).row(0, named=True)
    level = results.filter((pl.col("metric") == "auroc") & (pl.col("reference") == "") & (pl.col("stratum") == "all"))

    def auroc(arm: str, mode: str) -> float:
        return level.filter((pl.col("arm") == arm) & (pl.col("mode") == mode))["value"].item()

    assert row["value"] == pytest.approx(auroc("simclr_4", row["mode"]) - auroc("scratch", "finetune"))


def test_an_outcome_that_has_no_classes_and_an_unknown_one_are_refused(archive: Path, tmp_path: Path):
    for outcome, words in (("grade", "no outcome 'grade'; it has"), ("", "name the outcome with --outcome")):
        with pytest.raises(InputError, match=words):
            scaling_study(archive, out=tmp_path / "run", settings=replace(SETTINGS, outcome=outcome))
