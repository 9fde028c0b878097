"""Learn from few labels: probe a frozen encoder, fine-tune it, or both in turn (LP-FT, Kumar et al. 2022)."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch

from semeia.data.augment import AugmentSettings
from semeia.data.batch import Batch
from semeia.data.dataset import Dataset
from semeia.data.fingerprint import fingerprint
from semeia.data.preprocessing import fit_preprocessing, make_batch
from semeia.encoders.build import build_encoder
from semeia.encoders.fusion import with_fusion
from semeia.encoders.patient import EncoderSettings
from semeia.errors import InputError
from semeia.learning.loop import LoopSettings, train
from semeia.learning.model import FILE, Model, load_model
from semeia.learning.probe_head import set_probe
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.heads.fused import FusedHead
from semeia.objectives.heads.pooled import PooledHead
from semeia.objectives.semi_supervised import SemiSupervised, SemiSupervisedSettings
from semeia.objectives.step import Step
from semeia.objectives.supervised import Supervised, SupervisedSettings
from semeia.objectives.task import BINARY, Task
from semeia.progress import Report, silent

Mode = Literal["frozen", "finetune", "probe_finetune"]


@dataclass(frozen=True)
class FinetuneSettings:
    """Supervised training.

    The number of steps is fixed: with 20 to 200 labels a validation set would cost more than it tells.

    Attributes:
        scratch: optimiser of a model without pretraining.
        pretrained: optimiser of a pretrained one (the encoder moves slower than the head).
        supervised: modality dropout and dropout.
        augmentation: how far a crop is moved.
        loop: device, precision, how often to save.
    """

    scratch: OptimiserSettings = field(default_factory=lambda: OptimiserSettings(steps=160, batch=32))
    pretrained: OptimiserSettings = field(
        default_factory=lambda: OptimiserSettings(steps=160, batch=32, encoder_lr=3e-4)
    )
    supervised: SupervisedSettings = field(default_factory=SupervisedSettings)
    augmentation: AugmentSettings = field(default_factory=AugmentSettings)
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(save_every=0))


def fresh_model(
    data: Dataset, rows: np.ndarray, *, modalities: tuple[str, ...], settings: EncoderSettings, seed: int
) -> Model:
    """Draw an encoder that was never trained, with preprocessing fitted on the given units."""
    preprocessing = fit_preprocessing(data, rows, modalities=modalities)
    encoder = build_encoder(settings, preprocessing, seed=seed)
    return Model(encoder=encoder.eval(), head=None, preprocessing=preprocessing)


def finetune(
    data: Dataset,
    rows: np.ndarray,
    labels: np.ndarray,
    *,
    start: Model,
    mode: Mode = "probe_finetune",
    pretrained: bool = True,
    settings: FinetuneSettings,
    seed: int = 0,
    folder: Path,
    task: Task = BINARY,
    unlabelled: np.ndarray | None = None,
    semi: SemiSupervisedSettings | None = None,
    cell: str = "finetune",
    report: Report = silent,
) -> Model:
    """Train a head, and the encoder unless it is frozen; a folder that holds the finished model is read instead.

    Args:
        rows: training units, [n].
        labels: 0 or 1, [n].
        start: where the encoder comes from; it is trained in place.
        pretrained: whether `start` was pretrained (chooses the optimiser).
        unlabelled: units that are learnt from without their labels, [m]: by `semi`, and by the scales and the shift
            dictionary of a fusion.
        semi: how; None learns from the labelled ones alone.
    """
    if mode not in get_args(Mode):
        raise InputError(f"no mode '{mode}'; there are {', '.join(get_args(Mode))}")
    if (folder / FILE).exists():
        return load_model(folder / FILE)
    if len(np.unique(labels)) < 2:
        raise InputError(f"the {len(labels)} training labels are all of one class: nothing can be fitted")
    start.preprocessing.require_same(data)
    task = task.balanced(labels) if settings.supervised.balanced else task
    folder.mkdir(parents=True, exist_ok=True)
    start, objective = _objective(start, settings.supervised, semi, task=task, mode=mode, seed=seed)
    learning = semi is not None or settings.supervised.fusion is not None
    others = np.setdiff1d(unlabelled, rows) if learning and unlabelled is not None else np.zeros(0, int)
    _begin_head(objective.head, start, data, rows, labels, others=others, mode=mode, seed=seed)
    if mode != "frozen":
        optimiser = settings.pretrained if pretrained else settings.scratch
        optimiser = replace(optimiser, batch=min(optimiser.batch, len(rows)))

        def batch_of(chosen: np.ndarray, step: Step, device: torch.device) -> Batch:
            count = min(len(chosen) * semi.ratio, len(others)) if semi is not None else 0
            drawn = torch.randperm(len(others), generator=step.generator("unlabelled"))[:count].numpy()
            seen = np.concatenate([rows[chosen], others[drawn]])

            def view(augmentation: AugmentSettings, purpose: str) -> Batch:
                return make_batch(
                    data,
                    seen,
                    preprocessing=start.preprocessing,
                    augmentation=augmentation,
                    generator=step.generator(purpose),
                    device=device,
                )

            known = np.concatenate([labels[chosen], np.full(count, np.nan)])
            batch = replace(view(settings.augmentation, "augment"), labels=torch.from_numpy(known).float().to(device))
            return replace(batch, second=view(semi.strong, "strong").modalities) if semi is not None else batch

        objective = train(
            objective,
            batch_of,
            units=len(rows),
            optimiser=optimiser,
            seed=seed,
            folder=folder,
            cell=cell,
            phase="finetune",
            settings=settings.loop,
            report=report,
        )
    # The encoder may come from another archive: the patients who were seen here are no test patients, either.
    seen = start.preprocessing.fitted_on | fingerprint(data, np.union1d(rows, others))
    encoder, head = objective.cpu().eval().fitted()
    model = replace(
        start,
        encoder=encoder,
        head=head,
        common={},  # a moved encoder no longer leads there
        preprocessing=replace(start.preprocessing, fitted_on=seen),
    )
    model.save(folder, {"mode": mode, "labelled_units": len(rows)})
    return model


def _objective(
    start: Model,
    settings: SupervisedSettings,
    semi: SemiSupervisedSettings | None,
    *,
    task: Task,
    mode: Mode,
    seed: int,
) -> tuple[Model, Supervised]:
    """Make the objective, and put a fusion on the encoder where one is asked for."""
    fusion = settings.fusion
    if fusion is not None:
        if mode == "frozen" and fusion.inference == "evidential":
            raise InputError("supervised.fusion: evidential heads are trained together; a frozen probe sets one only")
        encoder = with_fusion(start.encoder, symmetric=fusion.symmetric, depth=fusion.depth, seed=seed)
        start = replace(start, encoder=encoder)
    if semi is None:
        return start, Supervised(start.encoder, settings=settings, task=task)
    return start, SemiSupervised(start.encoder, settings=settings, semi=semi, task=task)


def _begin_head(
    head: PooledHead,
    start: Model,
    data: Dataset,
    rows: np.ndarray,
    labels: np.ndarray,
    *,
    others: np.ndarray,
    mode: Mode,
    seed: int,
) -> None:
    """Fit the head's scales, a fusion's dictionary, and the probe: on training units alone.

    Whatever the start, the head reads standardised features: from raw ones a network from scratch hardly learns, and
    would be no yardstick.
    """
    pooled, there = start.pooled(data, rows, cells=head.cells)
    if isinstance(head, FusedHead):
        head.fit(*start.pooled(data, np.union1d(rows, others), cells=head.cells), seed=seed)
    else:
        head.standardise_by(pooled, there)
    if mode != "finetune":
        set_probe(head, pooled, there, labels, data.subjects[rows], seed)
