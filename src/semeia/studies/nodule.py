"""The nodule study (after arXiv 2509.15470): an archive of CT nodules, images and one reader's structured reading.

Protocol. Label: the median malignancy of the other readers. Internal is one manufacturer (GE), external the other known
ones; unknown manufacturers are only pretrained on. Seed s tests fold s of five internal patient folds; everything
fitted sees the other folds' and the unknown patients only. All arms of a seed see the same labels: 10, 25, 50 and 100 %
of the labelled training patients, nested.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from semeia.archive.store import open_archive
from semeia.data.modalities import Table, Volume
from semeia.data.modality import Modality
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.description import ArmDescription, Description
from semeia.learning.columns import Columns
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.readers import ingest_nodules
from semeia.sample import sample_folder
from semeia.studies.run.arms import Encoder, Network, everything_logistic, simple_arm
from semeia.studies.run.audit import audit_networks
from semeia.studies.run.protocol import (
    StudySettings,
    by_label,
    cohorts_of,
    fold_testing,
    require_inside,
    require_seeds,
)
from semeia.studies.run.reading import labels_of, read_units
from semeia.studies.run.runner import run_study
from semeia.studies.run.study import Arm, Finished, Inputs, Material, Pretraining, Study
from semeia.studies.run.volumes import show_volumes
from semeia.studies.run.words import PRETRAINED, SEED, said, two_cohorts

IMAGE, READING = (Volume.called,), (Table.called,)
BOTH = IMAGE + READING
FURTHER: dict[str, Modality] = {"opinion": Table(source="input_opinion")}
WHOLE = EvaluationSettings(
    references=(
        "image_scratch/finetune",
        "multimodal_scratch/finetune",
        "random_encoder/frozen",
        "diameter",
        "image_components",
    ),
    covariate="diameter_mm",
)
STRATUM = "diameter_mm >= 9 AND diameter_mm <= 16"
LIMITS = (
    "This is an open reconstruction of the question that arXiv 2509.15470 asks. The text and code of that study were "
    "not available; its published AUCs are context only and are not reproduced here, since its cohorts are private.",
    "The label malignancy is an opinion of radiologists who read the scan, not a diagnosis, and it is nearly a "
    "function of size: the diameter alone predicts it well. What counts is what a model adds to the diameter.",
    "The crops hold only the slices that a nodule spans. Where an image was stored with each slice stretched to full "
    "contrast by itself, intensities are not Hounsfield units and cannot be compared between slices or scanners.",
    "A diagnosis belongs to a patient, not to a nodule. Where diagnosis is the outcome, a patient\u2019s score is the "
    "maximum over the patient\u2019s nodules.",
    "Other scanner makers stand in for other institutions: the external patients come from the same public collection.",
)


@dataclass(frozen=True)
class NoduleSettings(StudySettings):
    """The study. The defaults are the full one.

    Attributes:
        outcome: what is predicted.
        internal: site whose patients are trained and tested on.
        folds: patient folds of the internal site; at most as many seeds, each tests another.
        pretraining: see `PretrainSettings`.
        finetuning: see `FinetuneSettings`.
    """

    outcome: str = "malignancy"
    internal: str = "GE"
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    folds: int = 5
    fractions: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0)
    pretraining: PretrainSettings = field(default_factory=PretrainSettings)
    finetuning: FinetuneSettings = field(default_factory=FinetuneSettings)
    draws: int = 2000

    def __post_init__(self) -> None:
        require_seeds(self.seeds, folds=self.folds)
        super().__post_init__()


def open_nodules(inputs: Inputs, settings: NoduleSettings, cache: Path) -> Material:
    """Read the nodules, their labels, and who may be seen where."""
    data = read_units(inputs, settings.pretraining.model, cache, FURTHER)
    labels = labels_of(data.units, open_archive(inputs.archive), settings.outcome)
    site = data.units["site"].fill_null("").to_numpy()
    cohort = cohorts_of(site, site == settings.internal)
    strata = by_label(data.subjects, labels, cohort == "internal")
    return Material(
        units=data.units,
        cohort=cohort,
        labels={settings.outcome: labels},
        testing=fold_testing(data.subjects, strata, folds=settings.folds, outside=cohort == "external"),
        dataset=data,
        read=lambda model: read_units(inputs, model, cache, FURTHER),
    )


def pretraining(settings: NoduleSettings, inputs: Inputs) -> dict[str, Pretraining]:
    """What is learnt without labels."""
    return {
        "multimodal_jepa": Encoder(BOTH, settings.pretraining),
        "image_jepa": Encoder(IMAGE, settings.pretraining),
    }


def arms(settings: NoduleSettings, inputs: Inputs) -> dict[str, Arm]:
    """Every model of the study."""
    model, tuned = settings.pretraining.model, settings.finetuning

    def network(title: str, role: str, reads: tuple[str, ...], modes: tuple[str, ...], start: str = "") -> Network:
        family = "multimodal" if reads == BOTH else "image only"
        about = ArmDescription(title, role, family, PRETRAINED if start else SEED, reads)
        return Network(about, model, tuned, modes=modes, pretraining=start)

    labelled = ("frozen", "finetune", "probe_finetune")
    reading, image = Columns.of(READING), Columns.of(IMAGE)
    scanner = Columns(("manufacturer", "model", "kernel", "kvp"), categories=True)
    return {
        "image_scratch": network("Image only from scratch", "scratch", IMAGE, ("finetune",)),
        "multimodal_scratch": network("Multimodal from scratch", "scratch", BOTH, ("finetune",)),
        "multimodal_jepa": network("Multimodal JEPA", "pretrained", BOTH, labelled, "multimodal_jepa"),
        "image_jepa": network("Image-only JEPA", "pretrained", IMAGE, ("frozen", "finetune"), "image_jepa"),
        "random_encoder": network("Random encoder", "random", BOTH, ("frozen",)),
        "diameter": simple_arm("Diameter alone", Columns(("diameter_mm",), log=True), model, role="shortcut"),
        "z_extent": simple_arm("Z-extent alone", Columns(("z_extent_mm",)), model, role="shortcut"),
        "scanner": simple_arm("Scanner alone", scanner, model, role="shortcut"),
        "human_reader": simple_arm("Another reader\u2019s rating", Columns(modality="opinion"), model, role="human"),
        "reading_logistic": simple_arm("Readings, logistic regression", reading, model),
        "reading_boosting": simple_arm("Readings, gradient boosting", reading, model, "boosting"),
        "image_components": simple_arm("Image components, logistic regression", image, model, "components"),
        "multimodal_logistic": everything_logistic(BOTH, model),
    }


def words(finished: Finished) -> dict[str, object]:
    """What run.json is to hold in words."""
    settings: NoduleSettings = finished.work.settings
    about = Description(
        title="Nodules",
        question=f"does pretraining on unlabelled data improve the prediction of {settings.outcome}?",
        main=("multimodal_jepa", "finetune"),
        yardsticks=("diameter", "human_reader"),
        cohorts=two_cohorts(
            (f"{settings.internal} scanners", f"on {settings.internal} scanners"),
            outside=("Other scanners", "on scanners of other makers"),
        ),
    )
    statements = {
        "partition": f"Each of {len(settings.seeds)} seeds tests another of {settings.folds} folds of patients of "
        f"{settings.internal}; all other sites are only tested. Smaller label fractions are parts of the larger ones.",
    }
    flow = {
        "unlabelled": "of unknown manufacturer, pretraining only",
        "internal": f"{settings.internal}, labelled",
        "external": "Other manufacturers, labelled",
    }
    return {**said(finished, about, statements), "limits": list(LIMITS), "flow": flow}


def begin(inputs: Inputs, settings: NoduleSettings) -> None:
    """Refuse an archive without the internal site."""
    require_inside(open_archive(inputs.archive), settings.internal, folds=settings.folds)


NODULE = Study(
    name="nodule",
    settings=NoduleSettings,
    unit="nodule",
    open=open_nodules,
    arms=arms,
    pretraining=pretraining,
    words=words,
    audit=audit_networks,
    judged=(WHOLE, replace(WHOLE, where=STRATUM)),
    extras=(
        partial(show_volumes, arm="multimodal_jepa", mode="probe_finetune", covariates=("diameter_mm", "manufacturer")),
    ),
    passed_on=("diameter_mm", "z_extent_mm", "manufacturer", "malignancy_others"),
    begin=begin,
)
# Smaller than the full study in every way that costs time; the same protocol.
DEMO = NoduleSettings(
    seeds=(0, 1),
    pretraining=PretrainSettings(optimiser=OptimiserSettings(epochs=12)),
    finetuning=FinetuneSettings(
        scratch=OptimiserSettings(steps=80, batch=32),
        pretrained=OptimiserSettings(steps=80, batch=32, encoder_lr=3e-4),
    ),
    draws=1000,
)
# Smaller still: to see every step and the page, no more.
_FEW = OptimiserSettings(steps=10, batch=32)
QUICK = replace(
    DEMO,
    seeds=(0,),
    fractions=(1.0,),
    pretraining=PretrainSettings(optimiser=OptimiserSettings(epochs=1)),
    finetuning=FinetuneSettings(scratch=_FEW, pretrained=replace(_FEW, encoder_lr=3e-4)),
    draws=200,
)


def nodule_study(archive: Path, *, out: Path, settings: NoduleSettings) -> Path:
    """Run what is not finished of the study, evaluate it, and write the report; returns the report's path."""
    return run_study(NODULE, Inputs(archive), out=out, settings=settings)


def demo(out: Path, *, quick: bool = False) -> Path:
    """Run the study, reduced, on the bundled sample, in `out/archive` and `out/run`; returns the report's path.

    Args:
        quick: only show the way, in `out/quick`: one seed, all labels, next to no training.
    """
    archive = out / "archive"
    if not (archive / "archive.json").exists():
        ingest_nodules(sample_folder(), into=archive)
    return nodule_study(archive, out=out / ("quick" if quick else "run"), settings=QUICK if quick else DEMO)
