"""The nodule study on a miniature archive, run once for all tests of the room that look at it."""

from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest

from semeia.data.dataset import Dataset
from semeia.studies import single
from semeia.studies.nodule import NODULE, NoduleSettings, nodule_study, open_nodules
from semeia.studies.run import record
from semeia.studies.run.runner import plan
from semeia.studies.run.study import Finished, Inputs, Material, Work
from small_training import FINETUNE, PICTURES, PRETRAIN, loaded, nodule_archive, picture_archive

SETTINGS = NoduleSettings(
    seeds=(1,), folds=2, fractions=(0.5, 1.0), pretraining=PRETRAIN, finetuning=FINETUNE, draws=100, workers=1
)


@dataclass(frozen=True)
class Study:
    """A finished study: its run folder, its report, what it was run on and how."""

    run: Path
    report: Path
    archive: Path
    settings: NoduleSettings

    @property
    def inputs(self) -> Inputs:
        return Inputs(self.archive)

    @property
    def material(self) -> Material:
        return open_nodules(self.inputs, self.settings, self.run / "cache")

    @property
    def finished(self) -> Finished:
        material, predictions = self.material, pl.read_parquet(self.run / "predictions.parquet")
        first, then = plan(NODULE, self.inputs, self.settings, material)
        about = NODULE.pretraining(self.settings, self.inputs), NODULE.arms(self.settings, self.inputs)
        return Finished(Work(self.run, self.inputs, self.settings, material), first, then, predictions, *about)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nodule_archive(tmp_path_factory.mktemp("nodules"), 36, dx=True)


@pytest.fixture(scope="session")
def data(archive: Path) -> Dataset:
    return loaded(archive)


@pytest.fixture(scope="session")
def nodules(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    run = tmp_path_factory.mktemp("study") / "run"
    report = nodule_study(archive, out=run, settings=SETTINGS)
    return Study(run, report, archive, SETTINGS)


@pytest.fixture
def short_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report of a run of one's own is tested with the report, as are many draws; here they would only cost time."""
    judged = single.FINETUNE.judged
    few = replace(single.FINETUNE, judged=lambda finished: tuple(replace(one, draws=100) for one in judged(finished)))
    monkeypatch.setattr(single, "FINETUNE", few)
    monkeypatch.setattr(record, "write_report", lambda run: run / "report.html")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return picture_archive(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="session")
def pretrained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("own") / "pretrained"
    single.pretrain_archive(pictures, out=out, settings=PICTURES)
    return out
