"""One miniature archive for all tests of the room, and the same in memory."""

from pathlib import Path

import numpy as np
import pytest

from semeia.data.dataset import Dataset
from semeia.learning.model import Model
from semeia.learning.pretrain import pretrain
from small_training import PRETRAIN, labels_by_row, loaded, nodule_archive


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
