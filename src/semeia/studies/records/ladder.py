"""Climb from the baseline scan over a predicted to the real follow-up: what does knowing the follow-up add to a model?

One head (ridge logistic regression) reads, of the same patients and of a frozen pretrained encoder, (1) what was known
at the first scan, (2) that and the forecast of the follow-up, (3) that and the real follow-up. No head sees the record
after the first scan.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import torch
from jaxtyping import Float
from torch.nn import functional as F

from semeia.data.dataset import Dataset, Observed
from semeia.data.fingerprint import fingerprint
from semeia.data.preprocessing import make_batch
from semeia.errors import InputError
from semeia.learning.cells import Cell
from semeia.learning.linear import fit_logistic_regression
from semeia.learning.model import BATCH, Model, load_model
from semeia.learning.simple import FEW
from semeia.studies.forecast import forecaster_of, latents
from semeia.studies.records.patient import reopen
from semeia.studies.records.patient_arms import pretraining as encoders
from semeia.studies.run.arms import Encoder, encoder_file
from semeia.studies.run.gather import predictions_of, scored
from semeia.studies.run.study import fold_of

BASELINE, PREDICTED, REAL = "baseline", "baseline_predicted", "baseline_real"


def ladder(
    run: Path, *, archive: Path, external: Path | None = None, arm: str = "multimodal_jepa", modality: str = "image"
) -> pl.DataFrame:
    """Score tested patients who have a follow-up by what was known at the first scan, with and without the follow-up.

    Args:
        run: of the study of patients, with `--pretraining.forecaster`.
        archive: that it was run on.
        external: the other hospital's archive that it was run with, if it was.
        arm: name of the pretraining.
        modality: what is followed up: the oldest and the newest of the observations that the encoder reads.

    Returns:
        A table of predictions with the arms baseline, baseline_predicted and baseline_real.
    """
    work = reopen(run, archive, external)
    outcome, pretraining = work.settings.outcome, encoders(work.settings, work.inputs).get(arm)
    if not isinstance(pretraining, Encoder) or modality not in pretraining.modalities:
        raise InputError(f"'{arm}' is no pretraining that reads '{modality}'")
    scores: dict[Cell, pl.DataFrame] = {}
    for seed in work.settings.seeds:
        fold = fold_of(work.material, outcome, seed=seed, fraction=1.0)
        data = work.material.of_seed(work.material, seed).data(pretraining.settings.model)
        first, followed = follow_up(data, modality)
        fold = fold.where(followed)
        rows = np.union1d(fold.labelled, fold.test)
        if len(np.unique(fold.labels)) < 2 or not len(fold.test):
            raise InputError(f"seed {seed}: too few labelled patients have two scans at different dates")
        reads = rungs(run, arm, seed, data, rows, first=first, modality=modality)
        train, test = np.searchsorted(rows, fold.labelled), np.searchsorted(rows, fold.test)
        for name, x in reads.items():
            head = fit_logistic_regression(
                x[train],
                fold.labels,
                data.subjects[fold.labelled],
                columns=tuple(f"e{place}" for place in range(x.shape[1])),
                fitted_on=fingerprint(data, fold.labelled),
                seed=seed,
                strengths=FEW,
                hold_range=False,
            )
            scores[Cell(name, "frozen", 1.0, seed)] = scored(fold.test, head.score_columns(x[test]))
    return predictions_of(scores, work.material, outcome, study="patient")


def follow_up(data: Dataset, modality: str) -> tuple[Float[np.ndarray, " unit"], np.ndarray]:
    """Months from each unit's first observation of a modality to its index date, and who has a later one, too."""
    seen = data.observations[modality]
    there = seen.slot >= 0
    first = np.where(there, seen.when, 0).max(1)
    return first, there.any(1) & (np.where(there, seen.when, np.inf).min(1) < first)


def known(data: Dataset, months: Float[np.ndarray, " unit"]) -> Dataset:
    """Leave of every unit what was observed so many months before its index date or earlier; count from there."""

    def earlier(one: Observed) -> Observed:
        kept = (one.slot >= 0) & (one.when >= months[:, None])
        order = np.argsort(~kept, axis=1, kind="stable")
        slot, when = np.where(kept, one.slot, -1), np.where(kept, one.when - months[:, None], 0).astype(np.float32)
        return replace(one, slot=np.take_along_axis(slot, order, 1), when=np.take_along_axis(when, order, 1))

    return replace(data, observations={name: earlier(one) for name, one in data.observations.items()})


def rungs(
    run: Path, arm: str, seed: int, data: Dataset, rows: np.ndarray, *, first: np.ndarray, modality: str
) -> dict[str, Float[np.ndarray, "n columns"]]:
    """Lay side by side what the head of each rung reads of some units."""
    model = load_model(encoder_file(run, arm, seed))
    objective, preprocessing = forecaster_of(run, arm, seed)
    before = known(data, first)
    pooled, there = model.pooled(before, rows)
    pooled[~there] = float("nan")
    baseline = pooled.flatten(1).double().numpy()
    gap = first - data.observations[modality].when[:, 0]
    forecast, real = [], []
    for part in np.array_split(rows, range(BATCH, len(rows), BATCH)):
        batch = make_batch(before, part, preprocessing=preprocessing)
        forecast.append(latents(objective, batch, modality, gap[part]))
        real.append(newest_latents(model, data, part, modality))
    return {
        BASELINE: baseline,
        PREDICTED: np.hstack([baseline, torch.cat(forecast).double().numpy()]),
        REAL: np.hstack([baseline, torch.cat(real).double().numpy()]),
    }


@torch.no_grad()
def newest_latents(model: Model, data: Dataset, rows: np.ndarray, modality: str) -> Float[torch.Tensor, "n dim"]:
    """Give what a forecast aims at: the layer-normed mean token of the newest observation, alone and at its date."""
    seen = data.observations[modality]
    newest = replace(seen, slot=seen.slot[:, :1], when=np.zeros_like(seen.when[:, :1]))
    alone = replace(data, observations={modality: newest})
    tokens = model.encoder.eval()(model.batch(alone, rows))
    values = F.layer_norm(tokens.x, tokens.x.shape[-1:]) * tokens.present[..., None]
    return values.sum(1) / tokens.present.sum(1, keepdim=True)
