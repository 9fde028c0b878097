"""Run a study: plan its cells, run those that are not finished, gather, audit, evaluate, report."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from semeia.archive.atomic import write_parquet
from semeia.evaluation import EvaluationSettings
from semeia.group import agreed, process_group, process_of, wait_for_all
from semeia.learning.cells import Cell, is_finished
from semeia.learning.devices import pick_device
from semeia.learning.resources import measuring
from semeia.processes import backend
from semeia.progress import doing
from semeia.studies.run.gather import gather, write_results, write_scores
from semeia.studies.run.grid import one_cell, run_cells
from semeia.studies.run.holding import holding
from semeia.studies.run.once import once
from semeia.studies.run.protocol import StudySettings, require_names
from semeia.studies.run.record import begin_run, finish_run, note_left_out, note_run
from semeia.studies.run.study import (
    OUTCOME,
    Arm,
    Finished,
    Inputs,
    Material,
    Pretraining,
    Study,
    Work,
    fold_of,
    pretraining_rows,
)

Plan = tuple[list[Cell], list[Cell]]


def run_study(study: Study, inputs: Inputs, *, out: Path, settings: StudySettings) -> Path:
    """Run what is not finished of a study, evaluate it, and write the report; returns the report's path.

    `out` may be a run folder that was begun on the same, which goes on; the settings are of the type `Study.settings`.
    """
    with holding(out):
        study.begin(inputs, settings)
        begin_run(out, inputs.archive, study=study.name, settings=settings, inputs=inputs.digests())
        material = once(study.open)(inputs, settings, out / "cache")
        if material.dataset is not None:
            note_left_out(out, material.dataset)
        for seed in settings.seeds:  # what cannot be divided is refused now, not by a worker
            fold_of(material, material.outcomes[0], seed=seed, fraction=min(settings.fractions))
        with measuring() as used:
            first, then = plan(study, inputs, settings, material)
            require_folds(material, then)
            work_in = partial(work_on, study=study, inputs=inputs, run=out, settings=settings)
            with backend(settings.backend):
                for early in (True, False):
                    cells = [cell for cell in first if (cell.arm in study.before) == early]
                    run_cells(cells, work_in, run=out, workers=settings.workers, label="pretraining")
                run_cells(then, work_in, run=out, workers=settings.workers, label="fitting and scoring")
            work = Work(out, inputs, settings, material)
            counted = replace(material, units=study.covariates(work))
            declared = study.passed_on(inputs) if callable(study.passed_on) else study.passed_on
            passed_on = (*declared, *getattr(settings, "covariates", ()))
            predictions = gather(out, then, counted, study=study.name, passed_on=passed_on)
            write_parquet(out / "predictions.parquet", predictions)
            finished = Finished(
                work,
                first,
                then,
                predictions,
                pretraining_of(study, settings, inputs),
                arms_of(study, settings, inputs),
            )
            with doing("auditing the run for leakage"):
                leakage = study.audit(finished)
            further = {"leakage": leakage, **study.tables(finished)}
            judged = tuple(held_against(one, finished) for one in judgements(study, finished))
            notes = write_results(out, predictions, settings=judged, further=further)
            for draw in study.extras:
                draw(finished)
        return finish_run(finished, used=used, unit=study.unit, notes=notes, facts=study.words(finished))


def run_pretraining(study: Study, inputs: Inputs, *, out: Path, settings: Any, further: Mapping[str, object]) -> str:
    """Run the pretraining of a study alone, one cell after another; returns the verdict in words.

    The processes of a group learn each cell together; the first one keeps the run, and the others end here.
    `further` is what else decides what is learnt, and is kept with the settings; the rest as in `run_study`.

    Raises:
        SystemExit: in all processes but the first, once all is learnt.
    """
    work = partial(work_on, study=study, inputs=inputs, run=out, settings=settings)
    with process_group(pick_device(settings.pretraining.loop.device).type):
        if process_of()[0]:
            wait_for_all()  # until the first has opened the archive, and cached what is slow to read
            for cell in pretraining_cells(study, inputs, settings):
                if not agreed(False):
                    work(cell, out / cell.name)
            raise SystemExit(0)
        with holding(out):
            study.begin(inputs, settings)
            begin_run(out, inputs.archive, study=study.name, settings=settings.pretraining, further=further)
            with doing("reading the archive"):
                material = once(study.open)(inputs, settings, out / "cache")
            if material.dataset is not None:
                note_left_out(out, material.dataset)
            wait_for_all()
            verdict = ""
            for cell in pretraining_cells(study, inputs, settings):
                if not agreed(is_finished(out / cell.name)):
                    one_cell(cell, work, out)
                verdict = note_run(out, out / cell.name)
            return verdict


def pretraining_cells(study: Study, inputs: Inputs, settings: Any) -> list[Cell]:
    """List the cells that pretrain, of the first seed."""
    return [Cell(name, "pretrain", 1.0, settings.seeds[0]) for name in study.pretraining(settings, inputs)]


def arms_of(study: Study, settings: Any, inputs: Inputs) -> Mapping[str, Arm]:
    """Take the arms that the settings name, or all."""
    every = study.arms(settings, inputs)
    if not settings.arms:
        return every
    require_names("arm", settings.arms, tuple(every))
    return {name: arm for name, arm in every.items() if name in settings.arms}


def pretraining_of(study: Study, settings: Any, inputs: Inputs) -> Mapping[str, Pretraining]:
    """Take what the arms that are run start from, and what comes before the rest."""
    every = study.pretraining(settings, inputs)
    if not settings.arms:
        return every
    starts = {arm.pretraining for arm in arms_of(study, settings, inputs).values()}
    return {name: one for name, one in every.items() if name in starts or name in study.before}


def judgements(study: Study, finished: Finished) -> tuple[EvaluationSettings, ...]:
    """Take what a study declares; with the draws that the settings name, unless it says itself."""
    if callable(study.judged):
        return study.judged(finished)
    return tuple(replace(one, draws=finished.work.settings.draws) for one in study.judged)


def held_against(settings: EvaluationSettings, finished: Finished) -> EvaluationSettings:
    """Leave out references that were not run."""

    def was_run(reference: str) -> bool:
        arm, _, mode = reference.partition("/")
        one = finished.arms.get(arm.partition("@")[0])
        return one is not None and mode in ("", *one.modes)

    return replace(settings, references=tuple(filter(was_run, settings.references)))


def plan(study: Study, inputs: Inputs, settings: Any, material: Material) -> Plan:
    """All cells: those that pretrain, then those that meet labels. Any outcome but the first is an axis."""
    names = tuple(pretraining_of(study, settings, inputs))
    first = [Cell(name, "pretrain", 1.0, seed) for seed in settings.seeds for name in names]
    main, *others = material.outcomes
    of = {main: ()} | {outcome: ((OUTCOME, outcome),) for outcome in others}
    axes = study.axes(settings)
    then = [
        Cell(name, mode, fraction, seed, (*of[outcome], *zip(axes, values, strict=True)))
        for seed in settings.seeds
        for outcome in material.outcomes
        for name, arm in arms_of(study, settings, inputs).items()
        if not arm.outcomes or outcome in arm.outcomes
        for mode in arm.modes
        for fraction in settings.fractions
        for values in product(*axes.values())
    ]
    return first, then


def require_folds(material: Material, cells: list[Cell]) -> None:
    """Refuse, before anything is learnt, what would leave a cell too few to train on or nobody to test on."""
    for outcome, seed, fraction in dict.fromkeys((material.outcome_of(c), c.seed, c.fraction) for c in cells):
        fold_of(material, outcome, seed=seed, fraction=fraction)


def work_on(cell: Cell, folder: Path, *, study: Study, inputs: Inputs, run: Path, settings: Any) -> None:
    """Run one cell, in a worker process."""
    material = once(study.open)(inputs, settings, run / "cache")
    work = Work(run, inputs, settings, material.of_seed(material, cell.seed))
    if cell.mode == "pretrain":
        rows = pretraining_rows(material, cell.seed)
        study.pretraining(settings, inputs)[cell.arm].learn(cell, rows, folder, work)
    else:
        fold = fold_of(material, material.outcome_of(cell), seed=cell.seed, fraction=cell.fraction)
        arm = study.arms(settings, inputs)[cell.arm]
        write_scores(folder, fold.test, np.asarray(arm.score(cell, fold, folder, work)))
