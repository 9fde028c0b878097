"""The nodule study on a miniature archive, run once for all tests of the room that look at it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from semeia.studies.nodule import NoduleSettings, nodule_study
from semeia.views.dataset import PatientData
from small_training import FINETUNE, PRETRAIN, loaded, nodule_archive

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


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nodule_archive(tmp_path_factory.mktemp("nodules"), 36, dx=True)


@pytest.fixture(scope="session")
def data(archive: Path) -> PatientData:
    return loaded(archive)


@pytest.fixture(scope="session")
def study(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    run = tmp_path_factory.mktemp("study") / "run"
    report = nodule_study(archive, out=run, settings=SETTINGS)
    return Study(run, report, archive, SETTINGS)
