"""An archive of one's own: run every arm and every simple rival on it.

Protocol. The fixed split's test (or val) side is tested, or else seed s tests fold s of five patient folds; an external
archive is only tested. Everything fitted sees the other patients only.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.store import open_archive
from semeia.data.augment import RADIOGRAPH
from semeia.data.crops import CropSettings
from semeia.data.modalities import Picture, Table, Text, Vector, Volume
from semeia.data.modality import Modality
from semeia.encoders.settings import ModelSettings, imagenet_model
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.description import ArmDescription, Description
from semeia.learning.columns import Columns
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.model import Model, load_model
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.task import BINARY
from semeia.readers.covariates import TAKEN
from semeia.studies.run.arms import Encoder, Network, everything_logistic, simple_arm, three_starts
from semeia.studies.run.audit import audit_networks
from semeia.studies.run.protocol import (
    FOLDS,
    StudySettings,
    kept_for_testing,
    require_asked,
    require_each_once,
)
from semeia.studies.run.reading import labels_of_both, outside_of, read_units, task_of
from semeia.studies.run.runner import run_study
from semeia.studies.run.study import Arm, Finished, Inputs, Material, Pretraining, Study
from semeia.studies.run.words import said, two_cohorts

IMAGENET = imagenet_model(CropSettings(voxels=(1, 96, 96), patch=(1, 32, 32)))
# A wide network whose layers all move at once swings at the rate of a narrow one's head.
IMAGENET_TUNED = FinetuneSettings(
    pretrained=OptimiserSettings(steps=400, batch=32, lr=1e-4, encoder_lr=5e-4), augmentation=RADIOGRAPH
)
START, PUBLISHED = "encoder", "imagenet"  # the files that fine-tuning starts from, among the inputs
FEW_DISTINCT = 20  # a covariate of words with more values than this is no shortcut but a name


@dataclass(frozen=True)
class OwnSettings(StudySettings):
    """A study of one's own archive.

    Attributes:
        outcome: what is predicted, two classes or several.
        ordinal: whether several classes are grades in an order.
        modalities: what networks read, by name; none named: all the archive has but reports.
        pretraining: see `PretrainSettings`.
        finetuning: see `FinetuneSettings`.
    """

    outcome: str = ""
    ordinal: bool = False
    modalities: tuple[str, ...] = ()
    fractions: tuple[float, ...] = (0.1, 1.0)
    pretraining: PretrainSettings = field(default_factory=PretrainSettings)
    finetuning: FinetuneSettings = field(default_factory=FinetuneSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_each_once(self, "modalities")


def model_of(settings: OwnSettings, inputs: Inputs) -> ModelSettings:
    """How most networks read the units: a pretrained encoder brings its own way."""
    start = inputs.files.get(START)
    return settings.pretraining.model if start is None else model_read_by(load_model(start))


def model_read_by(encoder: Model) -> ModelSettings:
    """The settings that read what an encoder reads, as it does; `image` and `crop` are those of its (first) images."""
    reads = dict(encoder.preprocessing.modalities)
    settings = ModelSettings(encoder=encoder.encoder.settings, modalities=reads)  # pyright: ignore[reportArgumentType]
    image = next((one for one in reads.values() if isinstance(one, Volume | Picture)), None)
    return settings if image is None else replace(settings, image=image.network, crop=image.crop)


def open_own(inputs: Inputs, settings: OwnSettings, cache: Path) -> Material:
    """Read the units, the labels where an outcome is named, and who is tested."""
    model = model_of(settings, inputs)
    data = read_units(inputs, model, cache, {})
    outside = outside_of(data)
    names = modalities_of(data.modalities, settings.modalities)
    for name in names:
        if not data.observed(name).any():
            data.modalities[name].require_readable(open_archive(inputs.archive))
    something = data.something(names)
    labels, task = np.full(len(data), np.nan), BINARY
    if settings.outcome:
        task = task_of(open_archive(inputs.archive), settings.outcome)
        # A unit that has nothing of what is read can neither train nor test a network.
        known = labels_of_both(data, inputs, settings.outcome, classes=task.classes)
        labels = np.where(something, known, np.nan)
    testing = kept_for_testing(data.units, outside=outside)
    if START in inputs.files:
        testing = _never_seen(data, load_model(inputs.files[START]), testing, outside, labels)
    return Material(
        units=data.units,
        cohort=np.where(outside, "external", "internal"),
        labels={settings.outcome: labels},
        testing=testing,
        tasks={settings.outcome: replace(task, kind="ordinal") if settings.ordinal and task != BINARY else task},
        dataset=data,
        read=lambda model: read_units(inputs, model, cache, {}),
        extra=names,
    )


def _never_seen(data, start: Model, testing, outside: np.ndarray, labels: np.ndarray):
    """Let nobody be tested whom the pretrained encoder has seen; its own left-out patients are the test."""
    seen = start.preprocessing.fitted_on.seen(data)
    fixed = data.units["split"].is_not_null().any()
    overlap = int((seen & testing(0) & ~np.isnan(labels)).sum())
    if fixed and overlap:
        raise InputError(f"{overlap} labelled test units are of patients that were pretrained on")
    # An encoder from elsewhere has seen nobody.
    return testing if fixed or not seen.any() else lambda seed: ~seen | outside


def modalities_of(there: dict[str, Modality], wanted: tuple[str, ...]) -> tuple[str, ...]:
    """What the archive has of the modalities wanted (by default all but reports)."""
    if lacking := sorted(set(wanted) - set(there)):
        raise InputError(f"the archive has no {', '.join(lacking)}; it has {', '.join(there) or 'nothing to read'}")
    names = tuple(name for name, one in there.items() if not isinstance(one, Text))
    if not names:
        raise InputError("the archive has nothing that a network could read: no image, no reading, no array")
    return tuple(name for name in there if name in wanted) if wanted else names


def read_by(settings: OwnSettings, inputs: Inputs) -> dict[str, Modality]:
    """What networks read of the archive."""
    there = settings.pretraining.model.modalities_of(open_archive(inputs.archive))
    return {name: there[name] for name in modalities_of(there, settings.modalities)}


def encoders(settings: OwnSettings, inputs: Inputs) -> dict[str, Pretraining]:
    """One encoder of everything; of the images alone, where there is more; and of each image modality by SimCLR."""
    reads, base = read_by(settings, inputs), settings.pretraining
    contrast = replace(base, objective=replace(base.objective, terms=("simclr",), weights=()))
    made: dict[str, Pretraining] = {f"{group}_jepa": Encoder(names, base) for group, names in groups_of(reads).items()}
    images = (name for name, one in reads.items() if isinstance(one, Volume))
    return made | {f"{name}_simclr": Encoder((name,), contrast) for name in images}


def groups_of(reads: dict[str, Modality]) -> dict[str, tuple[str, ...]]:
    """What networks read together: everything, and each image modality alone where there is more."""
    names = tuple(reads)
    if len(names) == 1:
        return {names[0]: names}
    images = {name: (name,) for name, one in reads.items() if isinstance(one, Volume)}
    return {"multimodal": names, **images}


def arms(settings: OwnSettings, inputs: Inputs) -> dict[str, Arm]:
    """Every network, from every start, and every simple rival that the archive has columns for."""
    model, tuned, reads = settings.pretraining.model, settings.finetuning, read_by(settings, inputs)
    made: dict[str, Arm] = {}
    for group, names in groups_of(reads).items():
        title = "Everything" if group == "multimodal" else group.capitalize()
        starts = three_starts(group, title, names, model, tuned)
        if isinstance(reads.get(group), Volume):  # what paid most on pictures, where it lasted: docs/studies/scaling.md
            pretrained, name = starts[f"{group}_jepa"], f"{group}_simclr"
            about = replace(pretrained.about, title=f"{title}, pretrained by SimCLR")
            starts[name] = replace(pretrained, about=about, pretraining=name)
        made |= starts
    published = [name for name, one in reads.items() if isinstance(one, Picture)]
    if PUBLISHED in inputs.files and published:
        about = ArmDescription(
            "Pictures, ImageNet weights", "pretrained", "imagenet", "published weights", (published[0],)
        )
        modes, weights = ("frozen", "finetune"), inputs.files[PUBLISHED]
        made[PUBLISHED] = Network(about, IMAGENET, IMAGENET_TUNED, modes=modes, weights=weights)
    return made | simple_arms(settings, inputs, reads)


def simple_arms(settings: OwnSettings, inputs: Inputs, reads: dict[str, Modality]) -> dict[str, Arm]:
    """Components of images, regression and trees on tables and vectors, and each covariate alone."""
    model = settings.pretraining.model
    made: dict[str, Arm] = {}
    for name, modality in reads.items():
        columns = Columns(modality=name)
        if isinstance(modality, Volume):
            title = f"{name}, principal components"
            made[f"{name}_components"] = simple_arm(title, columns, model, "components")
        elif isinstance(modality, Table | Vector):
            made[f"{name}_logistic"] = simple_arm(f"{name}, logistic regression", columns, model)
            made[f"{name}_boosting"] = simple_arm(f"{name}, gradient boosting", columns, model, "boosting")
    together = tuple(name for name, modality in reads.items() if isinstance(modality, Volume | Table | Vector))
    if len(together) > 1:
        made["multimodal_logistic"] = everything_logistic(together, model)
    for name, numeric in covariates_of(inputs).items():
        columns = Columns((name,), categories=not numeric)
        made[f"only_{name}"] = simple_arm(f"{name} alone", columns, model, role="shortcut")
    return made


def covariates_of(inputs: Inputs) -> dict[str, bool]:
    """Name the covariates of the units that vary, and say which are numbers; words of many values are names."""
    units, found = open_archive(inputs.archive).table("units"), {}
    for name in (column for column in units.columns if column not in TAKEN):
        values = units[name].drop_nulls()
        words = values.dtype in (pl.String, pl.Boolean) and values.n_unique() <= FEW_DISTINCT
        if values.n_unique() > 1 and (words or values.dtype.is_numeric()):
            found[name] = not words
    return found


def words(finished: Finished) -> dict[str, object]:
    """What run.json is to hold in words."""
    settings: OwnSettings = finished.work.settings
    fixed = finished.work.material.units["split"].is_not_null().any()
    about = Description(
        title="Own archive",
        question=f"does pretraining on unlabelled data improve the prediction of {settings.outcome.replace('_', ' ')}?"
        if finished.first
        else "",
        cohorts=two_cohorts(outside=("The external archive", "in the external archive")),
    )
    partition = "the fixed split of the archive" if fixed else f"another of {FOLDS} folds of patients for each seed"
    return {**said(finished, about, {"partition": f"Tested is {partition}."}), "outcome": settings.outcome}


def judged(finished: Finished) -> tuple[EvaluationSettings, ...]:
    """All arms; where something was pretrained, held against those that were not."""
    references = tuple(
        f"{name}/{mode}"
        for name, arm in finished.arms.items()
        if finished.first and arm.about.role in ("scratch", "random", "simple")
        for mode in arm.modes
    )
    settings: OwnSettings = finished.work.settings
    return (EvaluationSettings(draws=settings.draws, references=references, ordinal=settings.ordinal),)


OWN = Study(
    name="own",
    settings=OwnSettings,
    unit="unit",
    open=open_own,
    arms=arms,
    pretraining=encoders,
    words=words,
    audit=audit_networks,
    judged=judged,
    passed_on=lambda inputs: tuple(covariates_of(inputs)),
)


def own_study(
    archive: Path, *, out: Path, settings: OwnSettings, external: Path | None = None, imagenet: Path | None = None
) -> Path:
    """Run every arm and every simple rival on one's own archive; returns the report's path.

    Args:
        external: an archive of another hospital with the same outcome, only tested.
        imagenet: weights made by `semeia weights convert`, for archives of pictures.
    """
    require_asked(open_archive(archive), settings.outcome, settings.seeds)
    files = {} if imagenet is None else {PUBLISHED: imagenet}
    return run_study(OWN, Inputs(archive, external, files), out=out, settings=settings)
