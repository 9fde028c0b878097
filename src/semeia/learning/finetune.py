"""From few labels: probe a frozen encoder, fine-tune it, or probe and then fine-tune (LP-FT, Kumar et al. 2022)."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch

from semeia.encoders.build import ModelSettings, build_encoder
from semeia.errors import InputError
from semeia.learning.loop import LoopSettings, train
from semeia.learning.model import FILE, Model, load_model
from semeia.learning.probe_head import set_probe
from semeia.learning.progress import Report, silent
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.step import Step
from semeia.objectives.supervised import Supervised, SupervisedSettings
from semeia.objectives.task import BINARY, Task
from semeia.views.augment import AugmentSettings
from semeia.views.batch import views_of
from semeia.views.dataset import PatientData
from semeia.views.fingerprint import fingerprint
from semeia.views.patient import Views
from semeia.views.preprocessing import fit_preprocessing

Mode = Literal["frozen", "finetune", "probe_finetune"]


@dataclass(frozen=True)
class FinetuneSettings:
    """Supervised training. The number of steps is fixed: with 20 to 200 labels a validation set would cost more than it
    tells.

    Attributes:
        scratch: optimiser of a model without pretraining.
        pretrained: optimiser of a pretrained one (the encoder moves slower than the head).
        supervised: modality dropout and dropout.
        augmentation: how far a crop is moved.
        loop: device, precision, how often to save.
    """

    scratch: OptimiserSettings = field(default_factory=lambda: OptimiserSettings(steps=160, batch=32))
    pretrained: OptimiserSettings = field(
        default_factory=lambda: OptimiserSettings(steps=160, batch=32, encoder_rate=3e-4)
    )
    supervised: SupervisedSettings = field(default_factory=SupervisedSettings)
    augmentation: AugmentSettings = field(default_factory=AugmentSettings)
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(save_every=0))


def fresh_model(
    data: PatientData, rows: np.ndarray, *, modalities: tuple[str, ...], settings: ModelSettings, seed: int
) -> Model:
    """An encoder that was never trained, with preprocessing fitted on the given units."""
    preprocessing = fit_preprocessing(data, rows, modalities=modalities, geometry=settings.geometry)
    encoder = build_encoder(settings, preprocessing, seed=seed)
    return Model(encoder=encoder.eval(), head=None, settings=settings, preprocessing=preprocessing)


def finetune(
    data: PatientData,
    rows: np.ndarray,
    labels: np.ndarray,
    *,
    start: Model,
    mode: Mode,
    pretrained: bool,
    settings: FinetuneSettings,
    seed: int,
    folder: Path,
    task: Task = BINARY,
    cell: str = "finetune",
    report: Report = silent,
) -> Model:
    """Trains a head, and the encoder unless it is frozen; a folder that holds the finished model is read instead.

    Args:
        data: the archive in memory.
        rows: training units, [n].
        labels: 0 or 1, [n].
        start: where the encoder comes from; it is trained in place.
        mode: see the module.
        pretrained: whether `start` was pretrained (chooses the optimiser).
        settings: see `FinetuneSettings`.
        seed: of everything.
        folder: where checkpoint, metrics and model go.
        cell: name in the metrics.
        report: progress.
    """
    if mode not in get_args(Mode):
        raise InputError(f"no mode '{mode}'; there are {', '.join(get_args(Mode))}")
    if (folder / FILE).exists():
        return load_model(folder / FILE)
    if len(np.unique(labels)) < 2:
        raise InputError(f"the {len(labels)} training labels are all of one class: nothing can be fitted")
    start.preprocessing.require_same(data, rows)
    folder.mkdir(parents=True, exist_ok=True)
    objective = Supervised(start.encoder, settings=settings.supervised, task=task)
    if mode != "finetune" or pretrained:
        pooled, there = start.pooled(data, rows, cells=objective.head.cells)
        objective.head.standardise_by(pooled, there)
        if mode != "finetune":
            patients = data.units["subject_id"].to_numpy()[rows]
            set_probe(objective.head, pooled, there, labels, patients, seed)
    if mode != "frozen":
        optimiser = settings.pretrained if pretrained else settings.scratch
        optimiser = replace(optimiser, batch=min(optimiser.batch, len(rows)))

        def batch_of(chosen: np.ndarray, step: Step) -> Views:
            views = views_of(
                data,
                rows[chosen],
                preprocessing=start.preprocessing,
                augmentation=settings.augmentation,
                generator=step.generator("augment"),
            )
            return replace(views, labels=torch.from_numpy(labels[chosen]).float())

        train(
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
    # The encoder may come from another archive: the patients whose labels were seen are no test patients, either.
    seen = start.preprocessing.fitted_on | fingerprint(data, rows)
    model = replace(
        start,
        encoder=objective.encoder.cpu().eval(),
        head=objective.head.cpu().eval(),
        preprocessing=replace(start.preprocessing, fitted_on=seen),
    )
    model.save(folder, {"mode": mode, "labelled_units": len(rows)})
    return model
