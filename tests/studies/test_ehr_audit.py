"""The audit of a run on records finds leaks that were planted, from the models' own files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from semeia.archive import open_archive
from semeia.studies.ehr import EhrSettings, cohort_of, fold_of_seed, work_on
from semeia.studies.ehr_audit import audit_records
from semeia.studies.grid import Cell
from semeia.studies.stays import stays_of
from stay_archive import OUTCOME, SIGNATURES, stay_archive

SETTINGS = EhrSettings(seeds=(0,), folds=2, signatures=SIGNATURES)
FITTED, LINEAR = Cell("signatures", "pretrain", 1.0, 0), Cell("age_sex", "none", 1.0, 0)
PRETRAINED, TRAINED = "Tested patients that were pretrained on", "Tested patients that were trained on"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("audit")
    archive = stay_archive(folder / "archive").path
    for cell in (FITTED, LINEAR):
        (folder / "run" / cell.name).mkdir(parents=True)
        work_on(cell, folder / "run" / cell.name, archive=archive, run=folder / "run", settings=SETTINGS)
    return archive, folder / "run"


def audited(made: tuple[Path, Path], *, leaked: int = 0, moved: bool = False) -> dict[str, dict]:
    """The checks, with so many training patients among the tested, or a training patient at a hospital outside."""
    opened = open_archive(made[0])
    stays = stays_of(opened, OUTCOME)
    fold = fold_of_seed(stays, SETTINGS, seed=0, fraction=1.0)
    cohort = cohort_of(stays, SETTINGS)
    if moved:
        outside = stays["site"].filter(cohort == "external")[0]
        inside = pl.col("row") == int(fold.labelled[0])
        stays = stays.with_columns(site=pl.when(inside).then(pl.lit(outside)).otherwise("site"))
    fold = replace(fold, test=np.concatenate([fold.test, fold.labelled[:leaked]]))
    table = audit_records(made[1], opened, stays, cohort=cohort, folds={0: fold}, signatures=[FITTED], cells=[LINEAR])
    return {row["check"]: row for row in table.rows(named=True)}


def test_a_clean_run_is_clear(made: tuple[Path, Path]):
    found = audited(made)
    for check in (PRETRAINED, TRAINED, "Hospitals on both sides"):
        assert (found[check]["state"], found[check]["count"]) == ("clear", 0)
        assert found[check]["of"] > 0
    assert found["Shuffled training labels"]["low"] < 0.5 < found["Shuffled training labels"]["high"]


def test_training_patients_among_the_tested_are_found(made: tuple[Path, Path]):
    found = audited(made, leaked=3)
    for check in (PRETRAINED, TRAINED):
        assert (found[check]["state"], found[check]["count"]) == ("found", 3)


def test_a_hospital_on_two_sides_is_found(made: tuple[Path, Path]):
    found = audited(made, moved=True)["Hospitals on both sides"]
    assert (found["state"], found["count"]) == ("found", 1)
