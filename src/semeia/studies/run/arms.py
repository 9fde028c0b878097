"""The arms that studies share: networks from any start, and simple models on columns."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from semeia.data.dataset import Dataset
from semeia.encoders.settings import ModelSettings
from semeia.evaluation.description import ArmDescription
from semeia.group import process_of
from semeia.learning.cells import Cell
from semeia.learning.columns import Columns
from semeia.learning.finetune import FinetuneSettings, Mode, finetune, fresh_model
from semeia.learning.model import FILE, Model, load_model
from semeia.learning.pretrain import PretrainSettings, pretrain
from semeia.learning.simple import Fits, Simple, score_simple
from semeia.learning.weights import load_weights
from semeia.objectives.semi_supervised import SemiSupervisedSettings
from semeia.objectives.task import Task
from semeia.progress import silent, terminal
from semeia.studies.run.study import Arm, Fold, Material, Work
from semeia.studies.run.words import ONE_SOLUTION, PRETRAINED, SEED

Corpus = Callable[[Material, np.ndarray, int], np.ndarray]


def encoder_file(run: Path, pretraining: str, seed: int) -> Path:
    """Where a seed's pretrained encoder lies."""
    return run / Cell(pretraining, "pretrain", 1.0, seed).name / FILE


def reading(material: Material, model: ModelSettings, modalities: tuple[str, ...], rows: np.ndarray) -> np.ndarray:
    """Those of the rows that have anything of what a model reads."""
    return rows[material.data(model).something(modalities)[rows]]


@dataclass(frozen=True)
class Encoder:
    """A network pretrained without labels.

    Attributes:
        corpus: which of the units that may be seen are learnt from (material, rows, seed); by default all.
        shown: whether its progress is shown step by step (a run of one cell).
    """

    modalities: tuple[str, ...]
    settings: PretrainSettings
    corpus: Corpus | None = None
    shown: bool = False

    def seen(self, cell: Cell, rows: np.ndarray, work: Work) -> tuple[Dataset, np.ndarray]:
        """Take what is learnt from, of the units that may be seen."""
        rows = rows if self.corpus is None else self.corpus(work.material, rows, cell.seed)
        return work.material.data(self.settings.model), rows

    def learn(self, cell: Cell, rows: np.ndarray, folder: Path, work: Work) -> None:
        """Pretrain, and write model, metrics and diagnostics."""
        data, rows = self.seen(cell, rows, work)
        rows = rows[data.something(self.modalities)[rows]]
        total = self.settings.optimiser.total(round(len(rows) * (1 - self.settings.held_out)))
        shown, per_step = self.shown and process_of()[0] == 0, self.settings.optimiser.batch
        with terminal(f"pretraining on {len(rows)} units", total, per_step=per_step, shown=shown) as report:
            pretrain(
                data,
                rows,
                modalities=self.modalities,
                settings=self.settings,
                seed=cell.seed,
                folder=folder,
                cell=cell.name,
                report=report,
            )


@dataclass(frozen=True)
class Network(Arm):
    """A network that meets labels, and reads the modalities that `about` names.

    Attributes:
        model: how it reads them, and how large it is.
        encoder: a file it starts from, pretrained elsewhere, where nothing of the study (`pretraining`) is named.
        weights: or published weights of its image embedding; without any of these weights are freshly drawn.
        ordinal: whether classes are taken as ordered.
        shown: whether its progress is shown step by step.
        semi: how it learns from the unlabelled training units while it meets the labels; None: not at all.
    """

    model: ModelSettings
    finetuning: FinetuneSettings
    encoder: Path | None = None
    weights: Path | None = None
    ordinal: bool = False
    shown: bool = False
    semi: SemiSupervisedSettings | None = None

    @property
    def modalities(self) -> tuple[str, ...]:
        """What it reads."""
        return self.about.modalities

    @property
    def pretrained(self) -> bool:
        """Whether it starts from anything but freshly drawn weights."""
        return bool(self.pretraining or self.encoder or self.weights)

    def start(self, run: Path, material: Material, rows: np.ndarray, seed: int) -> Model:
        """The encoder before it meets a label; freshly drawn, its preprocessing is fitted on the rows."""
        if self.encoder is not None:
            return load_model(self.encoder)
        if self.pretraining:
            return load_model(encoder_file(run, self.pretraining, seed)).only(self.modalities)
        data = material.data(self.model)
        model = fresh_model(data, rows, modalities=self.modalities, settings=self.model.encoder, seed=seed)
        if self.weights is not None:
            load_weights(model.encoder, self.weights)
        return model

    def score(self, cell: Cell, fold: Fold, folder: Path, work: Work) -> np.ndarray:
        """Fit, store the model, and score the test units.

        A unit that has nothing of what the network reads is scored by the shares of the training labels.
        """
        data, task = work.material.data(self.model), work.material.task(work.material.outcome_of(cell))
        something = data.something(self.modalities)
        fold, whole = fold.where(something), fold
        mode: Mode = cell.mode  # pyright: ignore[reportAssignmentType]
        optimiser = self.finetuning.pretrained if self.pretrained else self.finetuning.scratch
        total, per_step = optimiser.total(len(fold.labelled)), optimiser.batch
        words = f"fine-tuning on {len(fold.labelled)} labels"
        with terminal(words, total, per_step=per_step, shown=self.shown) as report:
            model = finetune(
                data,
                fold.labelled,
                fold.labels,
                start=self.start(work.run, work.material, fold.pretraining, cell.seed),
                mode=mode,
                pretrained=self.pretrained,
                settings=self.finetuning,
                seed=cell.seed,
                folder=folder,
                task=replace(task, kind="ordinal") if self.ordinal else task,
                unlabelled=reading(work.material, self.model, self.modalities, fold.pretraining),
                semi=self.semi,
                cell=cell.name,
                report=report if self.shown else silent,
            )
        known = model.score(data, fold.test)
        shares = np.bincount(whole.labels.astype(int), minlength=task.classes) / len(whole.labels)
        scores = np.tile(shares[1] if known.ndim == 1 else shares, (len(whole.test),) + (1,) * (known.ndim - 1))
        scores[something[whole.test]] = known
        return scores


@dataclass(frozen=True)
class SimpleArm(Arm):
    """A simple model on columns of the units or of a modality."""

    simple: Simple
    model: ModelSettings

    def score(self, cell: Cell, fold: Fold, folder: Path, work: Work) -> np.ndarray:
        """Fit, store what can be stored, and score the test units."""
        task: Task = work.material.task(work.material.outcome_of(cell))
        return score_simple(
            self.simple,
            work.material.data(self.model),
            fold.labelled,
            fold.labels,
            unlabelled=fold.pretraining,
            test=fold.test,
            seed=cell.seed,
            folder=folder,
            classes=task.classes,
        )


def simple_arm(
    title: str,
    reads: Columns,
    model: ModelSettings,
    fits: Fits = "logistic",
    *,
    role: str = "simple",
    components: int = 60,
    balanced: bool = False,
) -> SimpleArm:
    """Declare a simple model; one number alone is also shown as what it is (a diameter used as a score)."""
    alone = reads.covariates[0] if len(reads.covariates) == 1 and not reads.categories else ""
    about = ArmDescription(title, role, "", ONE_SOLUTION, reads.modalities, alone)
    return SimpleArm(about, Simple(reads, fits, components, balanced), model)


def everything_logistic(modalities: tuple[str, ...], model: ModelSettings) -> SimpleArm:
    """Declare ridge logistic regression on all that is seen of a unit: the bar for whatever is trained on the same."""
    title = "Everything, components of images and logistic regression"
    return simple_arm(title, Columns.of(modalities), model, "components")


def three_starts(
    family: str,
    title: str,
    reads: tuple[str, ...],
    model: ModelSettings,
    finetuning: FinetuneSettings,
    modes: tuple[str, ...] = ("frozen", "finetune", "probe_finetune"),
) -> dict[str, Network]:
    """Declare one network pretrained (`modes`), from scratch, and never trained: FAMILY_jepa, _scratch, _random."""

    def network(words: str, role: str, begins: str, modes: tuple[str, ...], start: str = "") -> Network:
        about = ArmDescription(f"{title}, {words}", role, family, begins, reads)
        return Network(about, model, finetuning, modes=modes, pretraining=start)

    return {
        f"{family}_jepa": network("pretrained", "pretrained", PRETRAINED, modes, f"{family}_jepa"),
        f"{family}_scratch": network("from scratch", "scratch", SEED, ("finetune",)),
        f"{family}_random": network("random encoder", "random", SEED, ("frozen",)),
    }
