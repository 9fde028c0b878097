"""Judge the stored models of a study of patients at earlier dates: the same patients, and nothing later is known."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import polars as pl

from semeia.data.dataset import MONTH
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.learning.cells import Cell
from semeia.learning.stored import choices, score_known, stored_models
from semeia.studies.records.patient import reopen
from semeia.studies.records.patient_arms import arms
from semeia.studies.records.patient_data import open_patients
from semeia.studies.run.gather import predictions_of, scored
from semeia.studies.run.study import fold_of


def landmarks(
    run: Path,
    *,
    archive: Path,
    external: Path | None = None,
    months: tuple[float, ...] = (12.0, 6.0, 0.0),
    arm: str | None = None,
) -> pl.DataFrame:
    """Score the tested patients of a finished study as if each were asked for some months before the index date.

    Args:
        archive: that it was run on.
        external: the other hospital's archive that it was run with, if it was.
        months: before the index date, such as [12,6,0]; 0 gives the study's own scores.
        arm: whose models; by default of all arms whose models are stored.

    Returns:
        A table of predictions; the arm ARM@months=12 is ARM, 12 months before. A patient of whom a network knows
        nothing by then is known to it by the share of positive labels.
    """
    if not months or min(months) < 0 or len(set(months)) < len(months):
        raise InputError(f"months {list(months)} must be 0 or more, each once")
    work = reopen(run, archive, external)
    models = stored_models(run, choices(run, arm=arm, mode=None, fraction=None))
    stored = [(choice.cell(seed), scorer) for choice, own in models.items() for seed, scorer in own.items()]
    scores: dict[Cell, pl.DataFrame] = {}
    outcome, declared = work.settings.outcome, arms(work.settings, work.inputs)
    for month in months:
        earlier = dt.timedelta(hours=round(month * MONTH / 3600))
        then = open_patients(work.inputs, work.settings, run / "cache", earlier=earlier)
        for cell, scorer in sorted(stored, key=lambda pair: pair[0].seed):  # what a seed reads is read once
            fold = fold_of(work.material, outcome, seed=cell.seed, fraction=cell.fraction)
            reads: ModelSettings = declared[cell.arm].model  # pyright: ignore[reportAttributeAccessIssue]
            data = then.of_seed(then, cell.seed).data(reads)
            known = score_known(scorer, data, fold.test, otherwise=fold.labels.mean())
            scores[replace(cell, axes=(("months", f"{month:g}"),))] = scored(fold.test, known)
    return predictions_of(scores, work.material, outcome, study="patient")
