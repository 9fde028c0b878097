"""The audit of a run on records finds leaks that were planted, from the models' own files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from semeia.learning.cells import Cell
from semeia.studies.records.ehr import EHR, EhrSettings, arms, audit_records, open_stays
from semeia.studies.run import audit
from semeia.studies.run.runner import work_on
from semeia.studies.run.study import Finished, Inputs, Work, fold_of
from stay_archive import SIGNATURES, stay_archive

SETTINGS = EhrSettings(seeds=(0,), folds=2, signatures=SIGNATURES)
FITTED, LINEAR = Cell("signatures", "pretrain", 1.0, 0), Cell("age_sex", "none", 1.0, 0)
PRETRAINED, TRAINED = "Tested patients that were pretrained on", "Tested patients that were trained on"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("audit")
    archive = stay_archive(folder / "archive").path
    for cell in (FITTED, LINEAR):
        (folder / "run" / cell.name).mkdir(parents=True)
        given = {"study": EHR, "inputs": Inputs(archive), "run": folder / "run", "settings": SETTINGS}
        work_on(cell, folder / "run" / cell.name, **given)
    return archive, folder / "run"


def audited(
    made: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, *, leaked: int = 0, moved: bool = False
) -> dict[str, dict]:
    """The checks, with so many training patients among the tested, or a training patient at a hospital outside."""
    material = open_stays(Inputs(made[0]), SETTINGS, made[1])
    fold = fold_of(material, material.outcomes[0], seed=0, fraction=1.0)
    if moved:
        outside = material.units["site"].filter(material.cohort == "external")[0]
        inside = pl.col("row") == int(fold.labelled[0])
        units = material.units.with_columns(site=pl.when(inside).then(pl.lit(outside)).otherwise("site"))
        material = replace(material, units=units)
    fold = replace(fold, test=np.concatenate([fold.test, fold.labelled[:leaked]]))
    monkeypatch.setattr(audit, "folds_of", lambda finished: {0: fold})
    work = Work(made[1], Inputs(made[0]), SETTINGS, material)
    table = audit_records(Finished(work, [FITTED], [LINEAR], pl.DataFrame(), {}, arms(SETTINGS, work.inputs)))
    return {row["check"]: row for row in table.rows(named=True)}


def test_a_clean_run_is_clear(made: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch):
    found = audited(made, monkeypatch)
    for check in (PRETRAINED, TRAINED, "Hospitals on both sides"):
        assert (found[check]["state"], found[check]["count"]) == ("clear", 0)
        assert found[check]["of"] > 0
    assert found["Shuffled training labels"]["low"] < 0.5 < found["Shuffled training labels"]["high"]


def test_training_patients_among_the_tested_are_found(made: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch):
    found = audited(made, monkeypatch, leaked=3)
    for check in (PRETRAINED, TRAINED):
        assert (found[check]["state"], found[check]["count"]) == ("found", 3)


def test_a_hospital_on_two_sides_is_found(made: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch):
    found = audited(made, monkeypatch, moved=True)["Hospitals on both sides"]
    assert (found["state"], found["count"]) == ("found", 1)
