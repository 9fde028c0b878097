"""Paired pictures (after MICS, arXiv 2509.17492): does the second modality earn the gain, or the augmentation it is?

Protocol. Units are pictures of one modality, perhaps with a second one of the same scene. Encoders start from random
weights, from ImageNet, or from pretraining on the training patients' pictures without labels: by one modality, by two,
by the sum of MICS and without each of its terms, by prediction between modalities. The second modality is an ordinary
augmentation of the first, a pseudo narrow-band picture derived from it, or a real one. Then encoders are probed or
fine-tuned on 1 to 100 % of the labelled training patients, nested and stratified by class; semi-supervised learning
stands beside. Near copies are one patient. Without a fixed split, seed s tests fold s of five; an external archive and
the sites named external are only tested.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.store import open_archive
from semeia.data.modalities import Picture
from semeia.encoders.settings import imagenet_model
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.description import ArmDescription, Contrast, Description
from semeia.learning.columns import Columns
from semeia.objectives.semi_supervised import SemiSupervisedSettings
from semeia.objectives.task import BINARY
from semeia.studies.pictures.drawn import draw_modalities
from semeia.studies.pictures.paired_settings import IMAGENET_CROP, GastroSettings, PairedSettings
from semeia.studies.pictures.starts import STARTS, WORDS, Pair, Start, objective_of, pair_of
from semeia.studies.run.arms import Encoder, Network, simple_arm
from semeia.studies.run.audit import audit_networks
from semeia.studies.run.embedding import map_embeddings
from semeia.studies.run.protocol import FOLDS, fold_testing, kept_for_testing, require_seeds
from semeia.studies.run.reading import labels_of_both, outside_of, read_units, task_of
from semeia.studies.run.runner import run_study
from semeia.studies.run.study import Arm, Finished, Inputs, Material, Pretraining, Study
from semeia.studies.run.words import PHOTOGRAPHS, PRETRAINED, SEED, said, two_cohorts

BASELINE = "components"


def _pair(settings: PairedSettings, inputs: Inputs) -> Pair:
    """Find the modalities of the archive."""
    archive = open_archive(inputs.archive)
    return pair_of(archive, settings.pretraining.model, first=settings.first, second=settings.second)


def chosen(settings: PairedSettings, inputs: Inputs, pair: Pair) -> dict[str, Start]:
    """Take the starts that are asked for; where none is, those that the archive and the files allow."""
    possible = {
        name: start
        for name, start in STARTS.items()
        if pair.allows(start) and (name != "imagenet" or "imagenet" in inputs.files)
    }
    if lacking := [name for name in settings.starts if name not in possible]:
        raise InputError(
            f"{inputs.archive}: {', '.join(lacking)} cannot be run: imagenet needs --imagenet, pseudo narrow-band "
            "pictures need colours, and a real second modality needs --second"
        )
    return {name: possible[name] for name in settings.starts or possible}


def open_pairs(inputs: Inputs, settings: PairedSettings, cache: Path) -> Material:
    """Read the pictures, their labels, and who may be seen where."""
    archive = open_archive(inputs.archive)
    model = _pair(settings, inputs).read_by(settings.pretraining.model)
    data = read_units(inputs, model, cache, {})
    task = task_of(archive, settings.outcome)
    labels = labels_of_both(data, inputs, settings.outcome, classes=task.classes)
    outside = outside_of(data) | data.units["site"].is_in(settings.external_sites).fill_null(False).to_numpy()
    return Material(
        units=data.units,
        cohort=np.where(outside, "external", "internal"),
        labels={settings.outcome: labels},
        testing=_testing(data.units, labels, outside),
        tasks={settings.outcome: task},
        dataset=data,
        read=lambda reads: read_units(inputs, reads, cache, {}),
    )


def _testing(units: pl.DataFrame, labels: np.ndarray, outside: np.ndarray):
    """Say who is tested: a fixed split, or folds of patients, stratified by the highest class of each."""
    if units.filter(~outside)["split"].is_not_null().any():
        return kept_for_testing(units, outside=outside)
    classes = pl.DataFrame({"subject_id": units["subject_id"], "value": labels}).filter(~outside)
    strata = classes.group_by("subject_id").agg(pl.col("value").fill_nan(None).max().alias("stratum"))
    return fold_testing(units["subject_id"].to_numpy(), strata, folds=FOLDS, outside=outside)


def pretraining(settings: PairedSettings, inputs: Inputs) -> dict[str, Pretraining]:
    """What is learnt without labels: one encoder a start, of all modalities that its objective learns from."""
    pair, base = _pair(settings, inputs), settings.pretraining
    made: dict[str, Pretraining] = {}
    for name, start in chosen(settings, inputs, pair).items():
        if start.by:
            other = pair.other(start)
            made[start.of or name] = Encoder(
                (pair.first, other) if other else (pair.first,),
                replace(
                    base,
                    model=pair.read_by(settings.pretraining.model),
                    optimiser=replace(base.optimiser, epochs=base.optimiser.epochs * start.passes),
                    objective=objective_of(start, pair.first, other),
                ),
            )
    return made


def arms(settings: PairedSettings, inputs: Inputs) -> dict[str, Arm]:
    """A network for each start, principal components, and each covariate alone."""
    pair = _pair(settings, inputs)
    made: dict[str, Arm] = {
        name: _network(name, start, settings, inputs, pair) for name, start in chosen(settings, inputs, pair).items()
    }
    model = pair.read_by(settings.pretraining.model)
    title = "Principal components, ridge logistic regression"
    balanced = settings.finetuning.supervised.balanced
    made[BASELINE] = simple_arm(title, Columns(modality=pair.first), model, "components", balanced=balanced)
    for column in settings.covariates:
        made[f"only_{column}"] = simple_arm(
            f"{column} alone", Columns((column,)), model, role="shortcut", balanced=balanced
        )
    return made


def _network(name: str, start: Start, settings: PairedSettings, inputs: Inputs, pair: Pair) -> Network:
    training, published = settings.training, name == "imagenet"
    reads = (pair.first, pair.other(start)) if start.both else (pair.first,)
    model = pair.read_by(settings.pretraining.model)
    if published:
        crop = replace(IMAGENET_CROP, picture=model.crop.picture)
        picture = Picture(source=pair.first, crop=crop, network="efficientnet_lite0")
        model = replace(imagenet_model(crop), modalities={pair.first: picture})
    tuned = training.imagenet_finetuning if published else training.finetuning
    if start.fuses:
        fusion = training.fusion if start.fuses == "shift" else replace(training.fusion, shift="none")
        tuned = replace(tuned, supervised=replace(tuned.supervised, fusion=fusion))
    begins = PRETRAINED if start.by else PHOTOGRAPHS if published else SEED
    role = "pretrained" if start.by or published else "model" if start.semi else "scratch"
    family = "fused" if start.fuses else "both modalities" if start.both else "one modality"
    modes = ("frozen",) if name in settings.probed else settings.modes
    return Network(
        ArmDescription(start.title, role, family, begins, reads),
        model,
        tuned,
        modes=("finetune",) if start.semi or start.fuses else modes,
        pretraining=start.of or name if start.by else "",
        weights=inputs.files.get("imagenet") if published else None,
        semi=None if start.semi is None else SemiSupervisedSettings(start.semi),
    )


def words(finished: Finished) -> dict[str, object]:
    """What run.json is to hold in words."""
    settings: PairedSettings = finished.work.settings
    pair = _pair(settings, finished.work.inputs)
    contrasts = tuple(
        Contrast("mics", "mics_augmented", mode, f"Synergistic sum: {WORDS[pair.main]}, less an augmentation ({mode})")
        for mode in settings.modes
    )
    about = Description(
        title="Paired pictures",
        question="does pretraining on unlabelled pictures help with few labels, and is it the second modality or an "
        "augmentation that does?",
        yardsticks=(BASELINE,),
        cohorts=two_cohorts(outside=("Other places", "at other places")),
        contrasts=contrasts,
    )
    optimiser = settings.pretraining.optimiser
    statements = {
        "training": f"Pretraining by the objective of each arm: {optimiser.epochs} epochs, batches of "
        f"{optimiser.batch} (the masked autoencoder three times as many epochs, I-JEPA twice); fitting: "
        f"{settings.finetuning.pretrained.steps} steps in batches of {settings.finetuning.pretrained.batch}.",
        "absent_input": "A modality that is absent, or was a copy of another one, is masked.",
    }
    return {**said(finished, about, statements), "outcome": settings.outcome}


def judged(finished: Finished) -> tuple[EvaluationSettings, ...]:
    """All arms, held against random weights, the augmentation control and the components; again within a band."""
    settings: PairedSettings = finished.work.settings
    networks = (f"{name}/{mode}" for name in ("random", "mics_augmented") for mode in settings.modes)
    binary = finished.work.material.task(settings.outcome) == BINARY
    covariate = settings.covariates[0] if settings.covariates and binary else None
    whole = EvaluationSettings(draws=settings.draws, references=(*networks, f"{BASELINE}/none"), covariate=covariate)
    return (whole, *((replace(whole, where=settings.within),) if settings.within else ()))


def begin(inputs: Inputs, settings: PairedSettings) -> None:
    """Refuse what the archive does not allow, and seeds that are no folds where there is no fixed split."""
    archive = open_archive(inputs.archive)
    chosen(settings, inputs, _pair(settings, inputs))
    units = archive.table("units")
    if missing := [name for name in settings.covariates if name not in units.columns]:
        raise InputError(f"{archive.path}: its units have no column {', '.join(missing)}")
    if archive.table("subjects")["split"].is_null().all():
        require_seeds(settings.seeds, folds=FOLDS)


PAIRED = Study(
    name="paired",
    settings=PairedSettings,
    unit="picture",
    open=open_pairs,
    arms=arms,
    pretraining=pretraining,
    words=words,
    audit=audit_networks,
    judged=judged,
    extras=(map_embeddings, draw_modalities),
    begin=begin,
)
GASTRO = replace(PAIRED, name="gastro", settings=GastroSettings)


def paired_study(
    archive: Path, *, out: Path, settings: PairedSettings, external: Path | None = None, imagenet: Path | None = None
) -> Path:
    """Run what is not finished of the study, evaluate it, and write the report; returns the report's path.

    Args:
        archive: pictures with an outcome, of one modality or several (`semeia ingest folders`, `ingest images`).
        external: an archive of another hospital with the same outcome, only tested.
        imagenet: weights of EfficientNet-lite0 for the start imagenet, made by `semeia weights convert`.
    """
    files = {} if imagenet is None else {"imagenet": imagenet}
    outcomes = open_archive(archive).outcomes()
    settings = replace(settings, outcome=settings.outcome or (outcomes[0] if len(outcomes) == 1 else ""))
    study = GASTRO if isinstance(settings, GastroSettings) else PAIRED
    return run_study(study, Inputs(archive, external, files), out=out, settings=settings)
