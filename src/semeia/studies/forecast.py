"""Forecast the latent of an observation that has not been made yet, from everything up to the index date."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import torch

from semeia.archive.store import open_archive
from semeia.data.batch import Batch
from semeia.data.preprocessing import Preprocessing, make_batch
from semeia.encoders.tokens import Tokens
from semeia.errors import InputError
from semeia.learning.cells import Cell
from semeia.learning.model import BATCH, FORECASTER, load_forecaster
from semeia.learning.scoring import data_for
from semeia.objectives.latent_prediction import LatentPrediction
from semeia.shapes import Embeddings


def forecast(run: Path, *, archive: Path, arm: str, modality: str, months: float, seed: int = 0) -> pl.DataFrame:
    """Forecast for every unit of an archive what the target encoder would make of a later observation.

    Args:
        run: whose encoder was pretrained with `pretraining.forecaster` (of `semeia pretrain`: `forecaster`).
        arm: name of the pretraining, such as multimodal_jepa.
        modality: what is forecast, such as image.
        months: after the unit's index date.
        seed: of the pretraining.

    Returns:
        unit_id, subject_id (pseudonym), then the mean latent token e0, e1, ...: layer-normed, as targets are, and
        comparable with each other, not with what `embed` gives.
    """
    if months < 0:
        raise InputError(f"months is {months}: what lies before the index date is no forecast; give 0 or more")
    objective, preprocessing = forecaster_of(run, arm, seed)
    data = data_for(open_archive(archive), preprocessing.modalities, None)
    if modality not in preprocessing.names or not len(data.observations[modality].arrays):
        words = (
            f"the model reads {', '.join(preprocessing.names)}, and the archive must have some of it, to say its form"
        )
        raise InputError(f"cannot forecast '{modality}': {words}")
    rows = np.flatnonzero(data.something(preprocessing.names))
    parts = [
        latents(
            objective, make_batch(data, chosen, preprocessing=preprocessing), modality, np.full(len(chosen), months)
        )
        for chosen in np.array_split(rows, range(BATCH, len(rows), BATCH))
    ]
    values = torch.cat(parts).numpy()
    named = data.units[rows].select("unit_id", pl.col("pseudonym").alias("subject_id"))
    return pl.concat([named, pl.DataFrame(values, schema=[f"e{i}" for i in range(values.shape[1])])], how="horizontal")


def forecaster_of(run: Path, arm: str, seed: int) -> tuple[LatentPrediction, Preprocessing]:
    """Read the predictor that the pretraining of an arm has left."""
    path = run / Cell(arm, "pretrain", 1.0, seed).name / FORECASTER
    if not path.exists():
        raise InputError(f"{path}: no forecaster; pretrain with --forecaster true (studies: --pretraining.forecaster)")
    return load_forecaster(path)


@torch.no_grad()
def latents(objective: LatentPrediction, batch: Batch, modality: str, months: np.ndarray) -> Embeddings:
    """Predict the mean token of a modality some months after each index date, [batch, dim].

    As in training the newest date is the one that is asked for, and all that is seen lies before it.
    """
    encoder, form = objective.encoder, batch.modalities[modality]
    later = torch.from_numpy(months.astype(np.float32))[:, None]
    moved = {name: replace(seen, when=seen.when + later) for name, seen in batch.modalities.items()}
    context = encoder.mix(encoder.embed(Batch(moved)).packed())
    length, kind = form.present.shape[2], encoder.kinds.index(modality)
    shape = len(batch), length
    asked = Tokens(
        x=torch.zeros(*shape, encoder.settings.dim),
        present=torch.ones(shape, dtype=torch.bool),
        kind=torch.full(shape, kind),
        where=form.where[:, 0],
        when=torch.zeros(shape),
    )
    return objective.uncentred(objective.predictor(context, asked), asked.kind).mean(1)
