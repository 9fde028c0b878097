"""Pretraining: unlabelled units in, an encoder and a verdict on it out."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from semeia.archive.atomic import write_json
from semeia.encoders.build import ModelSettings, build_encoder
from semeia.encoders.patient import EncoderSettings
from semeia.encoders.text import PretrainedText, TextEncoder
from semeia.errors import InputError
from semeia.learning.collapse import diagnose, verdict
from semeia.learning.loop import LoopSettings, train
from semeia.learning.model import FILE, Model, load_model
from semeia.learning.progress import Report, silent
from semeia.learning.recognition import recognise, verdict_on_looks
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.build import COMPARE_UNITS, HIDE_TOKENS, READ_REPORTS, ObjectiveSettings, build_objective
from semeia.objectives.latent_prediction import LatentPrediction
from semeia.objectives.step import Step
from semeia.ranges import FROM_1, PART, require_ranges, require_seed
from semeia.views.augment import AugmentSettings
from semeia.views.batch import views_of
from semeia.views.dataset import PatientData
from semeia.views.patches import patch_places
from semeia.views.patient import Views
from semeia.views.preprocessing import fit_preprocessing
from semeia.views.text import Vocabulary


@dataclass(frozen=True)
class PretrainSettings:
    """All that decides what is learnt without labels.

    Attributes:
        model: the network.
        objective: what is learnt; latent prediction by default.
        optimiser: how long and how fast.
        augmentation: how far a crop is moved.
        loop: device, precision, how often to save.
        text: the text encoder of objectives that read reports.
        text_folder: a local Hugging Face folder with a pretrained text encoder instead; nothing is downloaded.
        words: longest report they read, in tokens.
        held_out: share of the pretraining patients on whom the diagnostics are measured; they are not trained on.
    """

    model: ModelSettings = field(default_factory=ModelSettings)
    objective: ObjectiveSettings = field(default_factory=ObjectiveSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    augmentation: AugmentSettings = field(default_factory=AugmentSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)
    text: EncoderSettings = field(default_factory=lambda: EncoderSettings(dim=128, depth=2, heads=4))
    text_folder: str | None = None
    words: int = 64
    held_out: float = 0.1

    def __post_init__(self) -> None:
        require_ranges("pretraining", self, {"words": FROM_1, "held_out": PART})
        self.require_company(self.optimiser.batch, "optimiser: batch is")

    def require_company(self, units: int, what: str) -> None:
        """Refuse one unit alone where the objective compares units; `what` names the number in the message."""
        comparing = [name for name in self.objective.terms if name in COMPARE_UNITS]
        if comparing and units < 2:
            raise InputError(f"{what} {units}; {', '.join(comparing)} compares units: give 2 or more")


def pretrain(
    data: PatientData,
    rows: np.ndarray,
    *,
    modalities: tuple[str, ...],
    settings: PretrainSettings,
    seed: int,
    folder: Path,
    cell: str = "pretrain",
    report: Report = silent,
) -> Model:
    """Pretrains on the given units; a folder that holds the finished model is read instead.

    Args:
        data: the archive in memory.
        rows: units that may be seen, [n]; none of a test patient may be among them (the caller's duty, audited later).
        modalities: names; with a single one only masks within it are drawn.
        settings: see `PretrainSettings`.
        seed: of everything.
        folder: where checkpoint, metrics, model and diagnostics go.
        cell: name in the metrics.
        report: progress.
    """
    if (folder / FILE).exists():
        return load_model(folder / FILE)
    require_seed(seed)
    require_something_to_hide(settings, modalities)
    fit_rows, watch_rows = hold_out(data, rows, share=settings.held_out, seed=seed)
    settings.require_company(len(fit_rows), "pretraining: the number of units is")
    folder.mkdir(parents=True, exist_ok=True)
    preprocessing = fit_preprocessing(data, rows, modalities=modalities, geometry=settings.model.geometry)
    encoder = build_encoder(settings.model, preprocessing, seed=seed)
    # The heads' weights, too, are a function of the seed alone, not of what the process did before.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        words, text = text_of(data, fit_rows, settings)
        objective = build_objective(masks_for(settings.objective, modalities), encoder, text=text)

    def batch_of(chosen: np.ndarray, step: Step) -> Views:
        views = views_of(
            data,
            fit_rows[chosen],
            preprocessing=preprocessing,
            augmentation=settings.augmentation,
            generator=step.generator("augment"),
            looks=objective.looks,
        )
        if words is None:
            return views
        read = words.encode([data.reports[row] for row in fit_rows[chosen]], settings.words)
        return replace(views, modalities=views.modalities | {"report": read})

    train(
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
    if isinstance(objective, LatentPrediction):
        found = diagnose(objective, data, fit_rows, watch_rows, preprocessing=preprocessing, seed=seed)
        said = verdict(found)
    else:
        watched = views_of(
            data,
            watch_rows,
            preprocessing=preprocessing,
            augmentation=settings.augmentation,
            generator=torch.Generator().manual_seed(seed),
            looks=2,
        )
        found = recognise(encoder, watched)
        said = verdict_on_looks(found)
    write_json(
        folder / "diagnostics.json",
        {"units": len(rows), "epochs": settings.optimiser.epochs, "diagnostics": found, "verdict": said},
    )
    model = Model(encoder=encoder, head=None, settings=settings.model, preprocessing=preprocessing)
    model.save(folder, {"verdict": said})
    return model


def text_of(
    data: PatientData, rows: np.ndarray, settings: PretrainSettings
) -> tuple[Vocabulary, nn.Module] | tuple[None, None]:
    """Vocabulary and text encoder, from the training units' own reports or a local folder, where reports are read."""
    if not set(READ_REPORTS) & set(settings.objective.terms):
        return None, None
    texts = [text for text in (data.reports[row] for row in rows) if text]
    if not texts:
        raise InputError(f"{', '.join(settings.objective.terms)}: none of the {len(rows)} training units has a report")
    if settings.text_folder is not None:
        return Vocabulary.of_folder(settings.text_folder), PretrainedText(settings.text_folder)
    words = Vocabulary.fit(texts)
    return words, TextEncoder(words.size, settings=settings.text)


def masks_for(settings: ObjectiveSettings, modalities: tuple[str, ...]) -> ObjectiveSettings:
    """With one modality there is nothing to predict across: only masks within it are left."""
    if len(modalities) > 1:
        return settings
    masks = settings.jepa.masks
    block = masks.block if masks.block + masks.token else 1.0
    within = replace(masks, modality=0.0, visit=0.0, block=block)
    return replace(settings, jepa=replace(settings.jepa, masks=within))


def require_something_to_hide(settings: PretrainSettings, modalities: tuple[str, ...]) -> None:
    """Refuse an image of one token where tokens of an image alone are to be hidden and predicted from the others.

    Raises:
        InputError: the crop is one patch.
    """
    hiding = [name for name in settings.objective.terms if name in HIDE_TOKENS]
    alone = modalities == ("image",) or "mae" in hiding
    tokens = len(patch_places(settings.model.crop, settings.model.geometry))
    if hiding and alone and "image" in modalities and tokens < 2:
        crop = settings.model.crop
        raise InputError(
            f"model.crop: voxels {list(crop.voxels)} in patches of {list(crop.patch)} make {tokens} token(s): "
            f"nothing is left to predict when {', '.join(hiding)} hides one; take a larger crop or smaller patches"
        )


def hold_out(data: PatientData, rows: np.ndarray, *, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sets whole patients aside: training rows and watched rows."""
    subjects = data.units["subject_id"].to_numpy()[rows]
    patients = np.unique(subjects)
    if not len(patients):
        raise InputError("no patient is left to pretrain on: all are set aside for testing, or have nothing to read")
    count = min(max(round(share * len(patients)), 1), len(patients) - 1)
    watched = np.random.default_rng([seed, 77]).permutation(patients)[:count]
    aside = np.isin(subjects, watched)
    return rows[~aside], rows[aside]
