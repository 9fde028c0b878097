"""The arms of the knee study: where an encoder's weights come from. A start is one row of `STARTS`.

An arm is a start and, after an @, the outcome where it is not the grade; `_ordinal` marks grades in order.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from semeia.encoders.build import ModelSettings
from semeia.encoders.patient import EncoderSettings
from semeia.learning.baselines import score_baseline
from semeia.learning.finetune import FinetuneSettings, Mode, finetune, fresh_model
from semeia.learning.model import FILE, Model, load_model
from semeia.learning.pretrain import PretrainSettings, pretrain
from semeia.learning.schedule import OptimiserSettings
from semeia.learning.weights import load_weights
from semeia.objectives.supervised import SupervisedSettings
from semeia.objectives.task import BINARY, Kind, Task
from semeia.readers.knees import OUTCOME
from semeia.studies.arms import Fold
from semeia.studies.grid import Cell
from semeia.studies.knee_data import GRADES, Knees, corpus_of
from semeia.views.augment import RADIOGRAPH
from semeia.views.crops import CropSettings
from semeia.views.pictures import PictureSettings

IMAGE = ("image",)
BASELINE = "picture_components"
KNEE = PictureSettings(fit="cover", levels="picture", bright_middle=True)
# The band around the joint, where everything that is graded lies; wide pictures and square ones both hold it whole.
SMALL = ModelSettings(
    image="patches",
    crop=CropSettings(voxels=(1, 64, 112), patch=(1, 16, 16), picture=KNEE),
    encoder=EncoderSettings(dim=128, depth=4, heads=4),
)
IMAGENET = ModelSettings(
    image="efficientnet_lite0",
    crop=CropSettings(voxels=(1, 96, 160), patch=(1, 32, 32), picture=KNEE),
    encoder=EncoderSettings(dim=1280, depth=0, heads=4),
)

# Of pictures whose label is known: less is cut off and turned.
GENTLE = replace(RADIOGRAPH, zoom=0.15, degrees=7.0)


@dataclass(frozen=True)
class Start:
    """Where weights come from.

    Attributes:
        terms: objectives (objectives/build.py) it was pretrained by; none for weights that met no knee.
        corpus: what it was pretrained on (see `corpus_of`).
        passes: epochs for each of the settings' epochs: an objective that encodes a quarter of one look gets more, so
            that all take about the same time; but for `mae_long`, which takes five times as long.
        probed_only: whether it is left out of fine-tuning: what a corpus teaches is asked of the frozen encoder.
    """

    terms: tuple[str, ...] = ()
    corpus: Literal["all", "osteoarthritis", "matched"] = "all"
    passes: int = 1
    probed_only: bool = False


STARTS = {
    "random": Start(),
    "imagenet": Start(),
    "simclr": Start(("simclr",)),
    "moco": Start(("moco",)),
    "byol": Start(("byol",)),
    "vicreg": Start(("vicreg",)),
    "mae": Start(("mae",), passes=6),
    "mae_long": Start(("mae",), passes=30),
    "ijepa": Start(("jepa",), passes=3),
    "clip": Start(("clip",)),
    "convirt": Start(("convirt",)),
    "slip": Start(("simclr", "clip")),
    "simclr_oa": Start(("simclr",), "osteoarthritis", probed_only=True),
    "simclr_matched": Start(("simclr",), "matched", probed_only=True),
}


@dataclass(frozen=True)
class Training:
    """How networks are trained.

    Attributes:
        pretraining: without labels.
        finetuning: with labels.
        imagenet: the network of the arm `imagenet`; the others have that of `pretraining`.
        imagenet_finetuning: of that arm. Its head reads thousands of features, and all of them move at once: at the
            rate of a narrow encoder's head it swings instead of learning.
    """

    pretraining: PretrainSettings = field(
        default_factory=lambda: PretrainSettings(
            model=SMALL, optimiser=OptimiserSettings(epochs=8, batch=128, rate=1.5e-3), augmentation=RADIOGRAPH
        )
    )
    finetuning: FinetuneSettings = field(
        default_factory=lambda: FinetuneSettings(
            scratch=OptimiserSettings(steps=400, batch=64),
            pretrained=OptimiserSettings(steps=400, batch=64),
            supervised=SupervisedSettings(cells=(1, 2, 3)),  # above and below the joint; its sides and middle
            augmentation=GENTLE,
        )
    )
    imagenet: ModelSettings = IMAGENET
    imagenet_finetuning: FinetuneSettings = field(
        default_factory=lambda: FinetuneSettings(
            pretrained=OptimiserSettings(steps=800, batch=64, rate=1e-4, encoder_rate=5e-4),
            augmentation=GENTLE,
        )
    )

    def model_of(self, start: str) -> ModelSettings:
        """The network of a start."""
        return self.imagenet if start == "imagenet" else self.pretraining.model

    def finetuning_of(self, start: str) -> FinetuneSettings:
        """How a start meets its labels."""
        return self.imagenet_finetuning if start == "imagenet" else self.finetuning


def arm_name(start: str, outcome: str, *, ordinal: bool = False) -> str:
    """Of a cell, and the folder it is in."""
    named = f"{start}_ordinal" if ordinal else start
    return named if outcome == OUTCOME else f"{named}@{outcome}"


def parts_of(arm: str) -> tuple[str, str, Task]:
    """Start, outcome and task of an arm."""
    named, _, outcome = arm.partition("@")
    start = named.removesuffix("_ordinal")
    if outcome:
        return start, outcome, BINARY
    kind: Kind = "nominal" if start == named else "ordinal"
    return start, OUTCOME, Task(kind, GRADES)


def pretrain_cell(cell: Cell, folder: Path, *, knees: Knees, settings: PretrainSettings) -> None:
    """Pretrains one start for one seed."""
    start = STARTS[cell.arm]
    optimiser = replace(settings.optimiser, epochs=settings.optimiser.epochs * start.passes)
    pretrain(
        knees.data,
        corpus_of(knees, start.corpus, seed=cell.seed),
        modalities=IMAGE,
        settings=replace(settings, optimiser=optimiser, objective=replace(settings.objective, terms=start.terms)),
        seed=cell.seed,
        folder=folder,
        cell=cell.name,
    )


def score_cell(
    cell: Cell, folder: Path, *, run: Path, knees: Knees, fold: Fold, training: Training, weights: Path | None
) -> np.ndarray:
    """Fits one arm to its labels and scores the fold's test units, [test] or [test, class]."""
    start, _, task = parts_of(cell.arm)
    if start == BASELINE:
        return score_baseline(
            BASELINE,
            knees.data,
            fold.labelled,
            fold.labels,
            unlabelled=fold.pretraining,
            test=fold.test,
            seed=cell.seed,
            folder=folder,
            classes=task.classes,
        )
    model = start_of(start, run, knees, fold, training=training, weights=weights, seed=cell.seed)
    mode: Mode = cell.mode  # pyright: ignore[reportAssignmentType]
    fitted = finetune(
        knees.data,
        fold.labelled,
        fold.labels,
        start=model,
        mode=mode,
        pretrained=start != "random",
        settings=training.finetuning_of(start),
        seed=cell.seed,
        folder=folder,
        task=task,
        cell=cell.name,
    )
    return fitted.score(knees.data, fold.test)


def start_of(
    start: str, run: Path, knees: Knees, fold: Fold, *, training: Training, weights: Path | None, seed: int
) -> Model:
    """The encoder before it meets a label."""
    if STARTS[start].terms:
        return load_model(run / Cell(start, "pretrain", 1.0, seed).name / FILE)
    model = fresh_model(knees.data, fold.pretraining, modalities=IMAGE, settings=training.model_of(start), seed=seed)
    if start == "imagenet" and weights is not None:
        load_weights(model.encoder, weights)
    return model
