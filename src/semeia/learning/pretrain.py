"""Pretrain an encoder on unlabelled units, and judge it without labels."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from semeia.archive.atomic import write_json
from semeia.data.augment import AugmentSettings
from semeia.data.batch import Batch
from semeia.data.dataset import Dataset
from semeia.data.modalities import Text
from semeia.data.preprocessing import Preprocessing, fit_preprocessing, make_batch
from semeia.encoders.build import build_encoder
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.group import agreed, process_of
from semeia.learning.diagnostics.collapse import diagnose
from semeia.learning.diagnostics.redrawn import keep_redrawn
from semeia.learning.diagnostics.retrieval import retrieve, retrieve_across, retrieve_partner
from semeia.learning.diagnostics.verdict import verdict, verdict_on_retrieval
from semeia.learning.loop import LoopSettings, train
from semeia.learning.model import FILE, Model, load_model, save_forecaster
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.build import COMPARE_UNITS, HIDE_TOKENS, ObjectiveSettings, build_objective
from semeia.objectives.latent_prediction import LatentPrediction
from semeia.objectives.objective import Objective
from semeia.objectives.pairs import Pairs
from semeia.objectives.step import Step
from semeia.progress import Report, silent
from semeia.ranges import FROM_0, PART, require_ranges, require_seed


@dataclass(frozen=True)
class PretrainSettings:
    """All that decides what is learnt without labels.

    Attributes:
        model: what is read, and the network.
        objective: what is learnt; latent prediction by default.
        optimiser: how long and how fast.
        augmentation: how far images are moved.
        loop: device, precision, how often to save.
        forecaster: keep what `semeia forecast` needs, too: the predictor with the encoder it was trained with.
        held_out: share of the pretraining patients on whom the diagnostics are measured; they are not trained on.
        redrawn: how many of their pictures a masked autoencoder leaves beside the model as it draws them.
    """

    model: ModelSettings = field(default_factory=ModelSettings)
    objective: ObjectiveSettings = field(default_factory=ObjectiveSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    augmentation: AugmentSettings = field(default_factory=AugmentSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)
    forecaster: bool = False
    held_out: float = 0.1
    redrawn: int = 0

    def __post_init__(self) -> None:
        require_ranges("pretraining", self, {"held_out": PART, "redrawn": FROM_0})
        self.require_company(self.optimiser.batch, "optimiser: batch is")

    def require_company(self, units: int, what: str) -> None:
        """Refuse one unit alone where the objective compares units; `what` names the number in the message."""
        comparing = [name for name in self.objective.terms if name in COMPARE_UNITS]
        if comparing and units < 2:
            raise InputError(f"{what} {units}; {', '.join(comparing)} compares units: give 2 or more")


def pretrain(
    data: Dataset,
    rows: np.ndarray | None = None,
    *,
    modalities: tuple[str, ...] | None = None,
    settings: PretrainSettings,
    seed: int = 0,
    folder: Path,
    cell: str = "pretrain",
    report: Report = silent,
) -> Model:
    """Pretrain on the given units; a folder that holds the finished model is read instead.

    Args:
        rows: units that may be seen, [n], all by default; none of a test patient may be among them (the caller's duty,
            audited later).
        modalities: what the encoder is to read, by name; by default all the data have. What the objective compares
            it with (reports, as a rule) is read, too, and forgotten afterwards.
    """
    if agreed((folder / FILE).exists()):
        return load_model(folder / FILE)
    require_seed(seed)
    rows = np.arange(len(data)) if rows is None else rows
    kept = tuple(data.modalities) if modalities is None else modalities
    read = (*kept, *(name for name in compared(data, settings.objective) if name not in kept))
    fit_rows, watch_rows = hold_out(data, rows, share=settings.held_out, seed=seed)
    settings.require_company(len(fit_rows), "pretraining: the number of units is")
    preprocessing = fit_preprocessing(data, rows, modalities=read)
    require_something_to_hide(data, preprocessing, settings.objective)
    if unknown := sorted(set(settings.objective.jepa.given) - set(data.modalities)):
        raise InputError(f"jepa: given is {', '.join(unknown)}; what is read is {', '.join(data.modalities)}")
    folder.mkdir(parents=True, exist_ok=True)
    encoder = build_encoder(settings.model.encoder, preprocessing, seed=seed)
    # The heads' weights, too, are a function of the seed alone, not of what the process did before.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        objective = build_objective(settings.objective, encoder)
    if settings.forecaster and not isinstance(objective, LatentPrediction):
        raise InputError(f"forecaster: {', '.join(settings.objective.terms)} predicts no latent; jepa alone does")

    def batch_of(chosen: np.ndarray, step: Step, device: torch.device) -> Batch:
        return make_batch(
            data,
            fit_rows[chosen],
            preprocessing=preprocessing,
            augmentation=settings.augmentation,
            generator=step.generator("augment"),
            views=objective.views,
            device=device,
        )

    objective = train(
        objective,
        batch_of,
        units=len(fit_rows),
        optimiser=settings.optimiser,
        seed=seed,
        folder=folder,
        cell=cell,
        phase="pretrain",
        settings=settings.loop,
        report=report,
    )
    encoder = objective.cpu().pretrained().eval()
    model = Model(encoder, None, preprocessing, common=objective.common())
    if process_of()[0]:
        return model.only(kept)  # the first process judges it, and keeps it
    if isinstance(objective, LatentPrediction) and settings.forecaster:
        save_forecaster(folder, objective, preprocessing)
    measures, words = judged(
        objective, data, fit_rows, watch_rows, preprocessing=preprocessing, settings=settings, seed=seed
    )
    model = replace(model, verdict=words)
    measures |= retrieve_across(model, data, watch_rows)
    facts = {"units": len(rows), "epochs": settings.optimiser.epochs, "diagnostics": measures, "verdict": words}
    write_json(folder / "diagnostics.json", facts)
    if settings.redrawn:
        keep_redrawn(
            objective, data, watch_rows, preprocessing=preprocessing, most=settings.redrawn, seed=seed, folder=folder
        )
    model = model.only(kept)
    model.save(folder)
    return model


def judged(
    objective: Objective,
    data: Dataset,
    fit_rows: np.ndarray,
    watch_rows: np.ndarray,
    *,
    preprocessing: Preprocessing,
    settings: PretrainSettings,
    seed: int,
) -> tuple[dict, str]:
    """Measure on watched rows what was learnt of the others, and say it in words."""
    if isinstance(objective, LatentPrediction):
        measures = diagnose(objective, data, fit_rows, watch_rows, preprocessing=preprocessing, seed=seed)
        words = verdict(measures)
    else:
        watched = make_batch(
            data,
            watch_rows,
            preprocessing=preprocessing,
            augmentation=settings.augmentation,
            generator=torch.Generator().manual_seed(seed),
            views=2,
        )
        encoder = objective.pretrained().eval()
        first = settings.objective.modality or encoder.kinds[0]
        if isinstance(objective, Pairs) and not preprocessing.modalities[first].augmented:
            measures = retrieve_partner(objective, watched)
            words = verdict_on_retrieval(measures, what=f"the own {objective.pair[1]}")
        else:
            measures = retrieve(encoder, watched, first)
            words = verdict_on_retrieval(measures)
    steps, enough = settings.optimiser.total(len(fit_rows)), settings.optimiser.per_epoch(len(fit_rows))
    if steps < enough:
        words = f"Too short to judge: in {steps} steps the encoder met not even every patient once ({enough} steps)."
    return measures, words


def compared(data: Dataset, objective: ObjectiveSettings) -> tuple[str, ...]:
    """Name the modalities that an objective learns from, whatever the encoder keeps; reports where it pairs any."""
    other = objective.other
    if objective.pairs and not other:
        other = next((name for name, one in data.modalities.items() if isinstance(one, Text)), other)
    return tuple(name for name in dict.fromkeys((objective.modality, other)) if name)


def require_something_to_hide(data: Dataset, preprocessing: Preprocessing, objective: ObjectiveSettings) -> None:
    """Refuse a modality of one token where its tokens alone are to be hidden and predicted from the others."""
    hiding = [name for name in objective.terms if name in HIDE_TOKENS]
    names = preprocessing.names
    alone = names if len(names) == 1 else (objective.modality or names[0],) if "mae" in hiding else ()
    for name in alone:
        modality = preprocessing.modalities[name]
        _, mask = modality.prepare(data.observations[name].arrays, np.zeros(1, int))
        tokens = modality.present(mask).shape[1] * data.observations[name].slot.shape[1]
        if hiding and tokens < 2:
            raise InputError(
                f"{name} makes {tokens} token(s) ({modality.describe()}): nothing is left to predict when "
                f"{', '.join(hiding)} hides one; take a larger crop or smaller patches"
            )


def hold_out(data: Dataset, rows: np.ndarray, *, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Set whole patients aside: training rows and watched rows."""
    subjects = data.subjects[rows]
    patients = np.unique(subjects)
    if not len(patients):
        raise InputError("no patient is left to pretrain on: all are set aside for testing, or have nothing to read")
    count = min(max(round(share * len(patients)), 1), len(patients) - 1)
    watched = np.random.default_rng([seed, 77]).permutation(patients)[:count]
    aside = np.isin(subjects, watched)
    return rows[~aside], rows[aside]
