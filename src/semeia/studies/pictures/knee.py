"""The knee study (after arXiv 2603.24903): radiographs of knees, pretraining by images and by images with reports.

Protocol. Input: the picture of one knee. Outcomes: the Kellgren-Lawrence grade; with the user's own follow-up table,
incidence and progression within four years. Encoders start from random weights, from ImageNet, or from pretraining on
the training patients' pictures (and reports) without their labels; then they are probed or fine-tuned on 5, 25 and
100 % of the labelled training patients, nested, both knees of a patient together. The fixed test split is internal,
another hospital's archive external; both are only tested. Arms whose corpus is restricted ask what an archive of the
diseased alone would have taught.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.store import open_archive
from semeia.data.dataset import Dataset, Observed
from semeia.data.modalities import Picture, Text
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.description import ArmDescription, Contrast, Description
from semeia.learning.columns import Columns
from semeia.objectives.task import Task
from semeia.readers.images.follow_up import follow_up_outcomes
from semeia.readers.images.knees import OUTCOME
from semeia.readers.reports import read_reports
from semeia.studies.pictures.knee_settings import (
    GRADES,
    OSTEOARTHRITIS,
    STARTS,
    Head,
    KneeSettings,
)
from semeia.studies.run.arms import Encoder, Network, simple_arm
from semeia.studies.run.audit import audit_networks
from semeia.studies.run.embedding import map_embeddings
from semeia.studies.run.pictures import show_pictures
from semeia.studies.run.protocol import kept_for_testing
from semeia.studies.run.reading import labels_of_both, outside_of, read_units, values_beside
from semeia.studies.run.runner import run_study
from semeia.studies.run.study import Arm, Finished, Inputs, Material, Pretraining, Study
from semeia.studies.run.words import PHOTOGRAPHS, PRETRAINED, SEED, said, two_cohorts

IMAGE = (Picture.called,)
BASELINE = "picture_components"
REFERENCES = ("random/frozen", "random/finetune", "simclr_matched/frozen", f"{BASELINE}/none")
LIMITS = (
    "This is an open study of the question that arXiv 2603.24903 asks. Its archives are private; published values are "
    "context only and are not reproduced here.",
    "The Kellgren-Lawrence grade is one reading of one picture. Readers differ by a grade often enough, above all "
    "between 0 and 1 and between 1 and 2, so that no model can agree with the label beyond that.",
    "Pictures come without a scale in millimetres, each stretched to its own contrast and cut to the band around the "
    "joint: what lies outside the band is not seen.",
    "The networks are small and the pretraining short, for an ordinary computer. A longer one of a larger network may "
    "come out otherwise.",
    "Another hospital\N{RIGHT SINGLE QUOTATION MARK}s pictures may differ in whom they show, in who graded them and in "
    "how they were stored, all at once: the drop between cohorts does not say which.",
)


def read_knees(inputs: Inputs, model: ModelSettings, cache: Path) -> Dataset:
    """Both archives by one grid, with the user's own reports where there are any."""
    data = read_units(inputs, model, cache, {})
    if "reports" not in inputs.files:
        return data
    texts = read_reports(inputs.files["reports"], open_archive(inputs.archive))
    beside = data.units.join(texts, on="unit_id", how="left", maintain_order="left")["text"].to_list()
    arrays = Text().arrays(np.array(beside, dtype=object))
    slot = np.where(arrays.mask, np.arange(len(data))[:, None], -1)
    observed = Observed(arrays, slot, np.zeros((len(data), 1), np.float32))
    return replace(
        data,
        modalities={**data.modalities, Text.called: data.modalities.get(Text.called, Text())},
        observations={**data.observations, Text.called: observed},
    )


def open_knees(inputs: Inputs, settings: KneeSettings, cache: Path) -> Material:
    """Read the knees, their grades and what became of them, and who may be seen where."""
    data = read_knees(inputs, settings.pretraining.model, cache)
    outside = outside_of(data)
    labels = {OUTCOME: labels_of_both(data, inputs, OUTCOME, classes=GRADES)}
    if "outcomes" in inputs.files:
        followed = follow_up_outcomes(inputs.files["outcomes"], open_archive(inputs.archive)).outcomes()
        labels |= {name: values_beside(data.units, values) for name, values in followed.items()}
    return Material(
        units=data.units,
        cohort=np.where(outside, "external", "internal"),
        labels=labels,
        testing=kept_for_testing(data.units, outside=outside),
        tasks={OUTCOME: Task("nominal", GRADES)},
        dataset=data,
        read=lambda model: read_knees(inputs, model, cache),
    )


def corpus_of(material: Material, rows: np.ndarray, seed: int, *, corpus: str) -> np.ndarray:
    """Units to pretrain on: those with "osteoarthritis"; or "matched": as many, of any grade.

    The restricted corpus is what a clinic's own archive holds; the matched one tells its range from its size. Whole
    patients are drawn for it until there are as many knees.
    """
    with_disease = rows[material.labels[OUTCOME][rows] >= OSTEOARTHRITIS]
    if corpus == "osteoarthritis":
        return with_disease
    order = np.random.default_rng([seed, 31]).permutation(np.unique(material.subjects[rows]))
    place = np.empty(material.subjects.max() + 1, int)
    place[order] = np.arange(len(order))
    by_patient = rows[np.argsort(place[material.subjects[rows]], kind="stable")]
    return np.sort(by_patient[: len(with_disease)])


def pretraining(settings: KneeSettings, inputs: Inputs) -> dict[str, Pretraining]:
    """What is learnt without labels: one encoder a start."""
    base = settings.pretraining
    return {
        name: Encoder(
            IMAGE,
            replace(
                base,
                optimiser=replace(base.optimiser, epochs=base.optimiser.epochs * STARTS[name].passes),
                objective=replace(base.objective, terms=STARTS[name].terms),
            ),
            corpus=None if STARTS[name].corpus == "all" else partial(corpus_of, corpus=STARTS[name].corpus),
        )
        for name in settings.starts
        if STARTS[name].terms
    }


def arms(settings: KneeSettings, inputs: Inputs) -> dict[str, Arm]:
    """A network for each start and head, and principal components."""
    networks = {
        f"{name}_ordinal" if head == "ordinal" else name: _network(name, head, settings, inputs)
        for name in settings.starts
        for head in settings.heads
    }
    title, model = "Picture components, logistic regression", settings.pretraining.model
    return {**networks, BASELINE: simple_arm(title, Columns.of(IMAGE), model, "components", components=150)}


def _network(name: str, head: Head, settings: KneeSettings, inputs: Inputs) -> Network:
    start, published, training = STARTS[name], name == "imagenet", settings.training
    begins = PRETRAINED if start.terms else PHOTOGRAPHS if published else SEED
    family = "grades in order" if head == "ordinal" else "grades as classes"
    title = f"{start.title}, grades in order" if head == "ordinal" else start.title
    return Network(
        ArmDescription(title, "scratch" if name == "random" else "pretrained", family, begins, IMAGE),
        training.imagenet if published else training.pretraining.model,
        training.imagenet_finetuning if published else training.finetuning,
        modes=tuple(mode for mode in settings.modes if mode == "frozen" or not start.probed_only),
        pretraining=name if start.terms else "",
        weights=inputs.files.get("imagenet") if published else None,
        ordinal=head == "ordinal",
        outcomes=(OUTCOME,) if head == "ordinal" else (),
    )


def words(finished: Finished) -> dict[str, object]:
    """What run.json is to hold in words."""
    contrasts = (
        Contrast(
            *("simclr_oa", "simclr_matched", "frozen"),
            "A corpus of osteoarthritic knees only, less one of as many knees of any grade (SimCLR, frozen)",
        ),
        Contrast(
            *("simclr", "simclr_matched", "frozen"),
            "A corpus of all knees, less one of as many as are osteoarthritic (SimCLR, frozen)",
        ),
    )
    about = Description(
        title="Knee radiographs",
        question="does pretraining on unlabelled data improve the prediction of the Kellgren-Lawrence grade?",
        yardsticks=(BASELINE,),
        outcomes={OUTCOME: "the Kellgren-Lawrence grade"},
        cohorts=two_cohorts(
            ("Home hospital", "at the home hospital"), outside=("Other hospital", "at the other hospital")
        ),
        contrasts=contrasts,
    )
    statements = {
        "preprocessing": "Pictures keep their proportions, are cut to their middle, stretched between their own 1st "
        "and 99th percentile, and inverted where bone is dark. Nothing of it is fitted; the tested go the same way.",
        "absent_input": "A knee without a picture is not scored.",
    }
    return {**said(finished, about, statements), "outcome": OUTCOME, "limits": list(LIMITS)}


def audit(finished: Finished) -> pl.DataFrame:
    """The leakage audit; osteoarthritis or none stands for the grade where two classes are needed."""
    grades = finished.work.material.labels[OUTCOME]
    return audit_networks(finished, binary=np.where(np.isnan(grades), np.nan, grades >= OSTEOARTHRITIS))


def begin(inputs: Inputs, settings: KneeSettings) -> None:
    """Refuse a start without its weights."""
    if "imagenet" in settings.starts and "imagenet" not in inputs.files:
        raise InputError("the start imagenet needs --imagenet, a file made by `semeia weights convert`")


KNEE_STUDY = Study(
    name="knee",
    settings=KneeSettings,
    unit="knee",
    open=open_knees,
    arms=arms,
    pretraining=pretraining,
    words=words,
    audit=audit,
    judged=(EvaluationSettings(references=REFERENCES, ordinal=True),),
    extras=(map_embeddings, show_pictures),
    passed_on=("side",),
    begin=begin,
)


def knee_study(
    archive: Path,
    *,
    out: Path,
    settings: KneeSettings,
    external: Path | None = None,
    outcomes: Path | None = None,
    reports: Path | None = None,
    imagenet: Path | None = None,
) -> Path:
    """Run what is not finished of the study, evaluate it, and write the report; returns the report's path.

    Args:
        archive: radiographs with grades, made by `semeia ingest knees`.
        external: an archive of another hospital, only tested.
        outcomes: your own OAI follow-up table; adds incidence and progression. It is never copied.
        reports: your own table of impressions, for the starts clip, convirt and slip.
        imagenet: weights for the start imagenet, made by `semeia weights convert`.
    """
    given = {"outcomes": outcomes, "reports": reports, "imagenet": imagenet}
    files = {name: path for name, path in given.items() if path is not None}
    return run_study(KNEE_STUDY, Inputs(archive, external, files), out=out, settings=settings)
