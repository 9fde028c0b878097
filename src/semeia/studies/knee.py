"""The knee study (after arXiv 2603.24903), as a recipe: an archive of radiographs in, a run folder with a report out.

Protocol. Input: the picture of one knee. Outcomes: the Kellgren-Lawrence grade; with the user's own follow-up table,
incidence and progression within four years. Encoders start from random weights, from ImageNet, or from pretraining on
the training patients' pictures (and reports) without their labels; then they are probed or fine-tuned on 5, 25 and
100 % of the labelled training patients, nested, both knees of a patient together. The fixed test split is internal,
another hospital's archive external; both are only tested. Arms whose corpus is restricted ask what an archive of the
diseased alone would have taught.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import polars as pl

from semeia.archive.store import open_archive
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.learning.finetune import Mode
from semeia.learning.model import FILE
from semeia.learning.resources import measuring
from semeia.ranges import FROM_1, SEED, require_ranges
from semeia.readers.follow_up import follow_up_outcomes
from semeia.readers.knees import OUTCOME
from semeia.studies.described import HOUSE, knee
from semeia.studies.gather import write_scores
from semeia.studies.grid import Cell, run_cells
from semeia.studies.holding import kept_to_one
from semeia.studies.knee_arms import BASELINE, STARTS, Training, arm_name, parts_of, pretrain_cell, score_cell
from semeia.studies.knee_data import OSTEOARTHRITIS, Knees, Sources, fold_of, load_knees
from semeia.studies.knee_embedding import map_embeddings
from semeia.studies.knee_end import gather_outcomes, knee_flow
from semeia.studies.knee_pictures import show_knees
from semeia.studies.knee_record import LIMITS, STATEMENTS
from semeia.studies.leakage import Audited, audit_run
from semeia.studies.protocol import require_fractions
from semeia.studies.record import begin_run, finish_run, note_images, pretraining_of
from semeia.studies.results import write_results

# What every other arm is held against, where the study has it.
REFERENCES = (("random", "frozen"), ("random", "finetune"), ("simclr_matched", "frozen"), (BASELINE, "none"))
Head = Literal["nominal", "ordinal"]


@dataclass(frozen=True)
class KneeSettings:
    """The study. The defaults are the reduced one, for two cores.

    Attributes:
        starts: where encoders start from, names in studies/knee_arms.py.
        modes: how they meet the labels.
        heads: of the grade: "nominal", "ordinal" or both.
        seeds: of labels, weights and everything random.
        fractions: of the labelled training patients.
        training: networks, objectives, optimisers.
        draws: bootstrap draws of the evaluation.
        workers: processes, one thread each.
    """

    starts: tuple[str, ...] = ("random", "simclr", "vicreg", "mae", "ijepa", "simclr_oa", "simclr_matched", "mae_long")
    modes: tuple[str, ...] = ("frozen", "finetune")
    heads: tuple[Head, ...] = ("nominal",)
    seeds: tuple[int, ...] = (0, 1, 2)
    fractions: tuple[float, ...] = (0.05, 0.25, 1.0)
    training: Training = field(default_factory=Training)
    draws: int = 1000
    workers: int = 2

    def __post_init__(self) -> None:
        for name, given, known in (("start", self.starts, STARTS), ("mode", self.modes, get_args(Mode))):
            unknown = [one for one in given if one not in known]
            if unknown or not given:
                raise InputError(f"study: no {name} '{', '.join(unknown)}'; there are {', '.join(known)}")
        if not self.heads or not self.seeds:
            raise InputError("study: name at least one head and one seed")
        for name, given in (
            ("starts", self.starts),
            ("modes", self.modes),
            ("heads", self.heads),
            ("seeds", self.seeds),
        ):
            if len(set(given)) < len(given):
                raise InputError(f"study: {name} {list(given)} must each be given once")
        require_ranges("study", self, {"seeds": SEED, "workers": FROM_1})
        require_fractions(self.fractions)
        EvaluationSettings(draws=self.draws)  # refuses too few now, not after the training


@kept_to_one
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
    """Runs what is not finished of the study, evaluates it, and writes the report; returns the report's path.

    Args:
        archive: radiographs with grades, made by `semeia ingest knees`.
        out: the run folder.
        settings: see `KneeSettings`.
        external: an archive of another hospital, only tested.
        outcomes: your own OAI follow-up table; adds incidence and progression. It is never copied.
        reports: your own table of impressions, for the starts clip, convirt and slip.
        imagenet: weights for the start imagenet, made by `semeia weights convert`.
    """
    sources = Sources(archive, external=external, outcomes=outcomes, reports=reports, imagenet=imagenet)
    if "imagenet" in settings.starts and imagenet is None:
        raise InputError("the start imagenet needs --imagenet, a file made by `semeia weights convert`")
    begin_run(out, archive, study="knee", settings=settings, inputs=sources.digests())
    followed = () if outcomes is None else tuple(follow_up_outcomes(outcomes, open_archive(archive)).outcomes())
    first, then = plan(settings, followed=followed)
    with measuring() as used:
        work = partial(work_on, sources=sources, run=out, settings=settings)
        run_cells(first, work, run=out, workers=settings.workers, label="pretraining")
        run_cells(then, work, run=out, workers=settings.workers, label="probes and fine-tuning")
        knees = load_knees(sources, crop=settings.training.pretraining.model.crop, cache=out / "cache")
        note_images(out, knees.data)
        predictions = gather_outcomes(out, then, knees)
        there = {(cell.arm, cell.mode) for cell in then}
        references = tuple("/".join(pair) for pair in REFERENCES if pair in there)
        judged = EvaluationSettings(draws=settings.draws, references=references, covariate=None)
        notes = write_results(
            out, predictions, settings=(judged,), further={"leakage": audit(out, sources, knees, first, then)}
        )
        for show in (map_embeddings, show_knees):
            show(out, sources, knees, predictions, settings.training)
    words = {"outcome": OUTCOME, "limits": list(LIMITS), "statements": HOUSE | STATEMENTS}
    facts = {"pretraining": pretraining_of(out, first), **words, **knee(OUTCOME).record()}
    return finish_run(out, used=used, flow=knee_flow(knees), notes=notes, facts=facts, unit="knee")


def plan(settings: KneeSettings, *, followed: tuple[str, ...]) -> tuple[list[Cell], list[Cell]]:
    """All cells: those that pretrain, then those that meet labels."""
    outcomes = (OUTCOME, *followed)
    first = [
        Cell(start, "pretrain", 1.0, s) for s in settings.seeds for start in settings.starts if STARTS[start].terms
    ]
    arms = [
        arm_name(start, outcome, ordinal=head == "ordinal")
        for outcome in outcomes
        for start in settings.starts
        for head in (settings.heads if outcome == OUTCOME else ("nominal",))
    ]
    met = [
        (arm, m) for m in settings.modes for arm in arms if m == "frozen" or not STARTS[parts_of(arm)[0]].probed_only
    ]
    then = [Cell(arm, m, f, s) for f in settings.fractions for s in settings.seeds for arm, m in met]
    simple = [arm_name(BASELINE, outcome) for outcome in outcomes]
    then += [Cell(arm, "none", f, s) for f in settings.fractions for s in settings.seeds for arm in simple]
    return first, then


def work_on(cell: Cell, folder: Path, *, sources: Sources, run: Path, settings: KneeSettings) -> None:
    """One cell, in a worker process."""
    start, outcome, _ = parts_of(cell.arm)
    knees = load_knees(sources, crop=settings.training.model_of(start).crop, cache=run / "cache")
    if cell.mode == "pretrain":
        pretrain_cell(cell, folder, knees=knees, settings=settings.training.pretraining)
        return
    fold = fold_of(knees, outcome, seed=cell.seed, fraction=cell.fraction)
    scores = score_cell(
        cell, folder, run=run, knees=knees, fold=fold, training=settings.training, weights=sources.imagenet
    )
    write_scores(folder, fold.test, scores)


def audit(run: Path, sources: Sources, knees: Knees, first: list[Cell], then: list[Cell]) -> pl.DataFrame:
    """The leakage audit of the run; osteoarthritis or none stands for the grade where two classes are needed."""
    grades = knees.labels[OUTCOME]
    two = np.where(np.isnan(grades), np.nan, grades >= OSTEOARTHRITIS)
    seeds = {cell.seed for cell in then}
    folds = {seed: fold_of(knees, OUTCOME, seed=seed, fraction=1.0) for seed in seeds}
    encoders = {(cell.arm, cell.seed): run / cell.name / FILE for cell in first}
    return audit_run(Audited(run, open_archive(sources.archive), knees.data, two, folds, then, encoders))
