"""The arms of a study: what each model reads and where its encoder comes from. An arm is one row of `ARMS`.

Baselines (learning/baselines.py) are arms, too, with the mode "none".
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from semeia.learning.baselines import BASELINES, OF_NODULES, score_baseline
from semeia.learning.finetune import FinetuneSettings, finetune, fresh_model
from semeia.learning.model import FILE, load_model
from semeia.learning.pretrain import PretrainSettings, pretrain
from semeia.studies.grid import Cell
from semeia.views.dataset import PatientData


@dataclass(frozen=True)
class Arm:
    """A network arm.

    Attributes:
        modalities: what it reads.
        start: "scratch", "random" (never trained, only probed) or "jepa".
        modes: how it meets the labels.
    """

    modalities: tuple[str, ...]
    start: Literal["scratch", "random", "jepa"]
    modes: tuple[str, ...]


BOTH, IMAGE = ("image", "reading"), ("image",)
LABELLED = ("frozen", "finetune", "probe_finetune")
ARMS = {
    "image_scratch": Arm(IMAGE, "scratch", ("finetune",)),
    "multimodal_scratch": Arm(BOTH, "scratch", ("finetune",)),
    "multimodal_jepa": Arm(BOTH, "jepa", LABELLED),
    "image_jepa": Arm(IMAGE, "jepa", ("frozen", "finetune")),
    "random_encoder": Arm(BOTH, "random", ("frozen",)),
}


@dataclass(frozen=True)
class Fold:
    """What one seed may see and what it is tested on; rows of `PatientData`.

    Attributes:
        pretraining: units that may be seen without labels.
        labelled: labelled training units, and
        labels: their labels, 0 or 1.
        test: units to score.
    """

    pretraining: np.ndarray
    labelled: np.ndarray
    labels: np.ndarray
    test: np.ndarray


def plan(seeds: tuple[int, ...], fractions: tuple[float, ...]) -> tuple[list[Cell], list[Cell]]:
    """All cells: those that pretrain, then those that meet labels (long ones first)."""
    first = [Cell(arm, "pretrain", 1.0, seed) for seed in seeds for arm in ARMS if ARMS[arm].start == "jepa"]
    networks = [(arm, mode) for arm, row in ARMS.items() for mode in row.modes]
    then = [Cell(arm, mode, f, seed) for seed in seeds for arm, mode in networks for f in fractions]
    then += [Cell(arm, "none", f, seed) for seed in seeds for arm in OF_NODULES for f in fractions]
    return first, then


def pretrain_cell(cell: Cell, folder: Path, *, data: PatientData, fold: Fold, settings: PretrainSettings) -> None:
    """Pretrains one arm for one seed."""
    modalities = ARMS[cell.arm].modalities
    pretrain(
        data, fold.pretraining, modalities=modalities, settings=settings, seed=cell.seed, folder=folder, cell=cell.name
    )


def score_cell(
    cell: Cell,
    folder: Path,
    *,
    run: Path,
    data: PatientData,
    fold: Fold,
    pretraining: PretrainSettings,
    finetuning: FinetuneSettings,
) -> np.ndarray:
    """Fits one arm to its labels and scores the fold's test units, [test]."""
    if cell.arm in BASELINES:
        return score_baseline(
            cell.arm,
            data,
            fold.labelled,
            fold.labels,
            unlabelled=fold.pretraining,
            test=fold.test,
            seed=cell.seed,
            folder=folder,
        )
    arm = ARMS[cell.arm]
    if arm.start == "jepa":
        start = load_model(run / Cell(cell.arm, "pretrain", 1.0, cell.seed).name / FILE)
    else:
        start = fresh_model(
            data, fold.pretraining, modalities=arm.modalities, settings=pretraining.model, seed=cell.seed
        )
    model = finetune(
        data,
        fold.labelled,
        fold.labels,
        start=start,
        mode=cell.mode,  # pyright: ignore[reportArgumentType]
        pretrained=arm.start == "jepa",
        settings=finetuning,
        seed=cell.seed,
        folder=folder,
        cell=cell.name,
    )
    return model.score(data, fold.test)
