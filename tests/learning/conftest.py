"""One miniature archive for all tests of the room, and the same in memory."""

from pathlib import Path

import numpy as np
import pytest

from semeia.archive.atomic import write_json
from semeia.data.dataset import Dataset
from semeia.learning.columns import Columns
from semeia.learning.finetune import finetune
from semeia.learning.model import Model
from semeia.learning.pretrain import pretrain
from semeia.learning.simple import Simple, score_simple
from small_training import FINETUNE, PRETRAIN, labels_by_row, loaded, nodule_archive

SIMPLE = {
    "diameter": Simple(Columns(("diameter_mm",), log=True)),
    "image_components": Simple(Columns(modality="image"), "components"),
    "reading_boosting": Simple(Columns(modality="reading"), "boosting"),
}


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nodule_archive(tmp_path_factory.mktemp("nodules"), dx=True)


@pytest.fixture(scope="session")
def data(archive: Path) -> Dataset:
    return loaded(archive)


@pytest.fixture(scope="session")
def training(data: Dataset, archive: Path) -> tuple[np.ndarray, np.ndarray]:
    """Labelled units of the first half of the patients, and their labels."""
    labels = labels_by_row(data, archive)
    rows = np.flatnonzero(labels.is_not_null().to_numpy() & (data.units["subject_id"] <= 15).to_numpy())
    return rows, labels.to_numpy()[rows]


@pytest.fixture(scope="session")
def pretrained(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Both modalities, four steps, on the first half of the patients. Tests that train it work on a copy."""
    rows = np.flatnonzero((data.units["subject_id"] <= 15).to_numpy())
    folder = tmp_path_factory.mktemp("pretrained")
    return pretrain(data, rows, modalities=("image", "reading"), settings=PRETRAIN, seed=0, folder=folder)


@pytest.fixture(scope="session")
def run(
    pretrained: Model,
    data: Dataset,
    training: tuple[np.ndarray, np.ndarray],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A run folder with two seeds of one arm, two simple models and a pretrained encoder."""
    folder = tmp_path_factory.mktemp("run")
    rows, labels = training
    for seed in (0, 1):
        cell = folder / "cells/multimodal_jepa/frozen/1" / f"seed-{seed}"
        finetune(
            data,
            rows[seed:],
            labels[seed:],
            start=pretrained,
            mode="frozen",
            pretrained=True,
            settings=FINETUNE,
            seed=seed,
            folder=cell,
        )
    for name, simple in SIMPLE.items():
        cell = folder / "cells" / name / "none/1/seed-0"
        cell.mkdir(parents=True)
        score_simple(simple, data, rows, labels, unlabelled=rows, test=rows, seed=0, folder=cell)
    pretrained.save(folder / "pretrained/multimodal_jepa/seed-0")
    record = {"semeia_version": "0", "study": "nodule", "config": {"outcome": "malignancy"}, "seeds": [0, 1]}
    write_json(folder / "run.json", record)
    return folder


@pytest.fixture(scope="session")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nodule_archive(tmp_path_factory.mktemp("unseen"), 8, first=5000, seed=9, dx=True)
