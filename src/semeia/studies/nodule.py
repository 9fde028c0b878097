"""The nodule study (after arXiv 2509.15470), as a recipe: an archive of CT nodules in, a run folder with a report out.

Protocol. Inputs: the image and one reader's structured reading. Label: the median malignancy of the other readers.
Internal is one manufacturer (GE), external the other known ones; unknown manufacturers are only pretrained on.
Seed s tests fold s of five internal patient folds; everything fitted sees the other folds' and the unknown patients
only. All arms of a seed see the same labels: 10, 25, 50 and 100 % of the labelled training patients, nested.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.split import label_subset, patient_folds
from semeia.archive.store import open_archive
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.model import FILE
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.progress import doing
from semeia.learning.resources import measuring
from semeia.ranges import FROM_1, require_ranges
from semeia.studies.arms import Fold, plan, pretrain_cell, score_cell
from semeia.studies.conclusion import evaluate_run, flow, show_examples
from semeia.studies.described import nodule_facts
from semeia.studies.gather import gather, write_predictions, write_scores
from semeia.studies.grid import Cell, run_cells
from semeia.studies.holding import kept_to_one
from semeia.studies.labels import labels_of
from semeia.studies.leakage import Audited, audit_run
from semeia.studies.protocol import require_fractions, require_inside, require_seeds
from semeia.studies.record import begin_run, finish_run, note_images, pretraining_of, read_record
from semeia.views.dataset import PatientData, load_patient_data


@dataclass(frozen=True)
class NoduleSettings:
    """The study. The defaults are the full one.

    Attributes:
        outcome: what is predicted.
        internal: site whose patients are trained and tested on.
        seeds: each tests another fold; at most as many as there are folds.
        folds: patient folds of the internal site.
        fractions: of the labelled training patients.
        pretraining: see `PretrainSettings`.
        finetuning: see `FinetuneSettings`.
        draws: bootstrap draws of the evaluation.
        workers: processes, one thread each.
    """

    outcome: str = "malignancy"
    internal: str = "GE"
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    folds: int = 5
    fractions: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0)
    pretraining: PretrainSettings = field(default_factory=PretrainSettings)
    finetuning: FinetuneSettings = field(default_factory=FinetuneSettings)
    draws: int = 2000
    workers: int = 2

    def __post_init__(self) -> None:
        require_seeds(self.seeds, folds=self.folds)
        require_ranges("study", self, {"workers": FROM_1})
        require_fractions(self.fractions)
        EvaluationSettings(draws=self.draws)  # refuses too few now, not after the training


@kept_to_one
def nodule_study(archive: Path, *, out: Path, settings: NoduleSettings) -> Path:
    """Runs what is not finished of the study, evaluates it, and writes the report; returns the report's path."""
    require_inside(open_archive(archive), settings.internal, folds=settings.folds)
    begin_run(out, archive, study="nodule", settings=settings)
    with doing("reading the images"):
        data, labels = load(archive, out, settings)
    note_images(out, data)
    for seed in settings.seeds:  # what cannot be divided is refused now, not by a worker
        fold_of_seed(data, labels, settings, seed=seed, fraction=min(settings.fractions))
    first, then = plan(settings.seeds, settings.fractions)
    with measuring() as used:
        work = partial(work_on, archive=archive, run=out, settings=settings)
        run_cells(first, work, run=out, workers=settings.workers, label="pretraining")
        run_cells(then, work, run=out, workers=settings.workers, label="fine-tuning and baselines")
        cohort = cohort_of(data, settings)
        predictions = gather(out, then, data.units, labels, cohort=cohort, study="nodule", outcome=settings.outcome)
        write_predictions(out, predictions)
        folds = {seed: fold_of_seed(data, labels, settings, seed=seed, fraction=1.0) for seed in settings.seeds}
        encoders = {(cell.arm, cell.seed): out / cell.name / FILE for cell in first}
        audit = audit_run(Audited(out, open_archive(archive), data, labels, folds, then, encoders))
        notes = evaluate_run(out, predictions, draws=settings.draws, audit=audit)
    show_examples(out, archive, predictions)
    boxes = flow(data, labels, cohort, settings.internal)
    crop, config = settings.pretraining.model.crop, read_record(out)["config"]
    facts = {"pretraining": pretraining_of(out, first), **nodule_facts(open_archive(archive), crop, config)}
    return finish_run(out, used=used, flow=boxes, notes=notes, facts=facts)


def load(archive: Path, run: Path, settings: NoduleSettings) -> tuple[PatientData, np.ndarray]:
    """The archive in memory and the label of each unit, NaN where it has none."""
    opened = open_archive(archive)
    data = load_patient_data(opened, crop=settings.pretraining.model.crop, cache=run / "cache")
    return data, labels_of(data, opened, settings.outcome)


def cohort_of(data: PatientData, settings: NoduleSettings) -> np.ndarray:
    """For each unit one of: internal, external, unknown."""
    site = data.units["site"].fill_null("").to_numpy()
    return np.where(site == settings.internal, "internal", np.where(site == "", "unknown", "external"))


def fold_of_seed(
    data: PatientData, labels: np.ndarray, settings: NoduleSettings, *, seed: int, fraction: float
) -> Fold:
    """The protocol: who is seen without labels, who with, who is tested."""
    cohort, labelled = cohort_of(data, settings), ~np.isnan(labels)
    subject = data.units["subject_id"].to_numpy()
    inside = pl.DataFrame({"subject_id": subject, "label": labels}).filter(cohort == "internal")
    words = pl.col("label").fill_nan(None).max().replace_strict({0.0: "negative", 1.0: "positive"}, default="none")
    strata = inside.group_by("subject_id").agg(words.alias("stratum"))
    folds = patient_folds(strata, folds=settings.folds)
    held_out = np.isin(subject, folds.filter(pl.col("fold") == seed)["subject_id"].to_numpy())
    training = (cohort == "internal") & ~held_out
    table = pl.DataFrame({"unit_id": data.units["unit_id"], "subject_id": subject, "value": labels})
    chosen = label_subset(table.filter(training & labelled), fraction, seed=seed)
    rows = np.flatnonzero(training & labelled & np.isin(subject, chosen))
    test = labelled & (((cohort == "internal") & held_out) | (cohort == "external"))
    if not test.any():
        raise InputError(f"fold {seed} holds no labelled patient and there is no external one: nothing to test on")
    return Fold(
        pretraining=np.flatnonzero(training | (cohort == "unknown")),
        labelled=rows,
        labels=labels[rows],
        test=np.flatnonzero(test),
    )


def work_on(cell: Cell, folder: Path, *, archive: Path, run: Path, settings: NoduleSettings) -> None:
    """One cell, in a worker process."""
    data, labels = load(archive, run, settings)
    fold = fold_of_seed(data, labels, settings, seed=cell.seed, fraction=cell.fraction)
    if cell.mode == "pretrain":
        pretrain_cell(cell, folder, data=data, fold=fold, settings=settings.pretraining)
        return
    scores = score_cell(
        cell, folder, run=run, data=data, fold=fold, pretraining=settings.pretraining, finetuning=settings.finetuning
    )
    write_scores(folder, fold.test, scores)
