"""Score or embed an archive that a finished run has never seen, with whatever modalities there are.

A study reports means over its single seeds' models; the mean of their scores is another model, mostly a better one: a
table says which it holds, and may hold both. Patients that any of the models was fitted on are refused, with the count.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from semeia.archive.store import Archive, open_archive
from semeia.data.dataset import Dataset, open_dataset
from semeia.data.modality import Modality
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.learning.cells import Cell, cells_of
from semeia.learning.model import FILE, Model, load_model
from semeia.learning.stored import Choice, Scorer
from semeia.progress import doing, say, warn

Seeds = Literal["mean", "each", "both"]


Read = tuple[tuple[str, Modality], ...]


def read_alike(chosen: dict[Choice, dict[int, Scorer]]) -> dict[Read, list[Choice]]:
    """Put choices together that read their modalities in the same way: one pass over the archive for all of them."""
    groups: list[tuple[dict[str, Modality], list[Choice]]] = []
    for choice, scorers in chosen.items():
        own = next(iter(scorers.values())).modalities
        for read, members in groups:
            if all(name not in read or _alike(read[name], modality) for name, modality in own.items()):
                read.update({name: one for name, one in own.items() if name not in read})
                members.append(choice)
                break
        else:
            groups.append((dict(own), [choice]))
    return {tuple(read.items()): members for read, members in groups}


def _alike(one: Modality, other: Modality) -> bool:
    return type(one) is type(other) and one.key() == other.key() and one.history == other.history


def scores_of(
    scorers: dict[int, Scorer], archive: Archive, data: Dataset, seen: np.ndarray, modalities: tuple[str, ...] | None
) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Rows that the models of one arm can score, and each seed's scores of them."""
    reads = tuple(next(iter(scorers.values())).modalities)
    hide = hidden(reads, modalities, data, archive)
    rows = usable_rows(data, reads, seen, hide=hide)
    return rows, {
        seed: scorer.score(as_read_by(scorer, data, archive), rows, hide=hide) for seed, scorer in scorers.items()
    }


def as_read_by(scorer: Scorer, data: Dataset, archive: Archive) -> Dataset:
    """Put what a seed's model reads in its own way (signatures that were fitted for it) in the place of another's."""
    read = scorer.modalities.items()
    own = {name: one for name, one in read if one.files() and one.key() != data.modalities[name].key()}
    if not own:
        return data
    other = open_dataset(archive, own)
    return replace(
        data, modalities=data.modalities | other.modalities, observations=data.observations | other.observations
    )


def by_seed(arm: str, scores: dict[int, np.ndarray], seeds: Seeds) -> list[tuple[str, int, np.ndarray]]:
    """Name of the arm, seed and scores of each table that was asked for; the mean has the seed 0."""
    mean = np.mean(list(scores.values()), axis=0)
    if seeds == "mean":
        return [(arm, 0, mean)]
    each = [(arm, seed, score) for seed, score in scores.items()]
    name, at, outcome = arm.partition("@")
    return each if seeds == "each" else [*each, (f"{name}_mean{at}{outcome}", 0, mean)]


def say_which(models: int, seeds: Seeds) -> None:
    """Say of scores whether they are of single models or of their mean."""
    if models < 2:
        return
    words = {
        "mean": f"scores are the mean over {models} models an arm, one a seed; the run itself reports single models, "
        "which --seeds each gives",
        "each": f"scores are of single models, {models} an arm, as the run reports them; --seeds mean gives their mean",
        "both": f"scores are of single models, {models} an arm, as the run reports them, and of their mean (ARM_mean)",
    }
    say(words[seeds])


def data_for(archive: Archive, read: dict[str, Modality], modalities: tuple[str, ...] | None) -> Dataset:
    """The archive's units as these models read them; refuses images of a type that they were not trained on."""
    with doing("reading the archive"):
        data = open_dataset(archive, read)
    for name, modality in data.modalities.items():
        if (modalities is None or name in modalities) and not data.observed(name).any():
            modality.require_readable(archive)
        if unlike := modality.unlike(data.observations[name].arrays):
            warn(f"{name}: {unlike}")
    for words, count in data.left_out.items():
        warn(f"not read: {count} {words}")
    return data


def hidden(
    reads: tuple[str, ...], modalities: tuple[str, ...] | None, data: Dataset, archive: Archive
) -> tuple[str, ...]:
    """Modalities of the model that must be masked; refuses names that mean nothing and an archive that has none."""
    if strange := set(modalities or ()) - data.modalities.keys():
        known = tuple(dict.fromkeys((*data.modalities, *ModelSettings().modalities_of(archive))))
        if unknown := sorted(strange - set(known)):
            raise InputError(f"no modality '{', '.join(unknown)}'; there are {', '.join(known)}")
    hide = tuple(name for name in reads if modalities is not None and name not in modalities)
    if reads and set(hide) == set(reads):
        raise InputError(f"this arm reads {', '.join(reads)}, and all of it is hidden by --modalities")
    if reads and not any(data.observed(name).any() for name in reads if name not in hide):
        raise InputError(f"the archive has none of {', '.join(name for name in reads if name not in hide)}")
    return hide


def seen_by(scorers: list[Scorer], data: Dataset, *, skip_seen: bool) -> np.ndarray:
    """Units of patients that any of the models was fitted on, bool [unit]; refuses them, with the count."""
    seen = np.zeros(len(data), bool)
    for fitted_on in dict.fromkeys(scorer.fitted_on for scorer in scorers):
        seen |= fitted_on.seen(data)
    require_unseen(data.units.filter(seen)["subject_id"].n_unique(), skip_seen=skip_seen)
    return seen


def require_unseen(patients: int, *, skip_seen: bool) -> None:
    """Refuse to score patients that a model was fitted on, unless they are to be left out."""
    if patients and not skip_seen:
        raise InputError(
            f"{patients} patients of this archive were seen in training: scores on them would flatter the model; "
            "--skip-seen leaves them out"
        )


def usable_rows(data: Dataset, reads: tuple[str, ...], seen: np.ndarray, *, hide: tuple[str, ...]) -> np.ndarray:
    """Units to score: of patients never fitted on, with something of what the model reads."""
    open_to = [name for name in reads if name not in hide]
    something = np.any([data.observed(name) for name in open_to], axis=0) if open_to else ~seen
    rows = np.flatnonzero(~seen & something)
    if not len(rows):
        raise InputError("no unit is left to score: all were seen in training or have nothing that the model reads")
    return rows


def embed(
    run: Path, *, archive: Path, arm: str, seed: int = 0, modalities: tuple[str, ...] | None = None
) -> pl.DataFrame:
    """Embeddings of every unit by a pretrained encoder: unit_id, subject_id (pseudonym), e0, e1, ...

    A missing modality's part of the embedding is null. Where pretraining compared modalities by a linear map
    (`albef`), their vectors in that common space come along as MODALITY_0, MODALITY_1, ..., of length 1: a picture's
    own other modality should have the highest product.
    """
    model = pretrained_encoder(run, arm=arm, seed=seed)
    reads = model.preprocessing.names
    opened = open_archive(archive)
    data = data_for(opened, model.preprocessing.modalities, modalities)
    hide = hidden(reads, modalities, data, opened)
    rows = np.flatnonzero(data.something(tuple(name for name in reads if name not in hide)))
    pooled, there = model.pooled(data, rows, hide=hide)
    pooled[~there] = float("nan")
    values = pl.DataFrame(pooled.flatten(1).numpy(), schema=[f"e{i}" for i in range(pooled[0].numel())])
    for name, vectors in model.compared(pooled).items():
        table = pl.DataFrame(vectors.numpy(), schema=[f"{name}_{i}" for i in range(vectors.shape[1])])
        values = values.hstack(table)
    named = data.units[rows].select("unit_id", pl.col("pseudonym").alias("subject_id"))
    return pl.concat([named, values.fill_nan(None)], how="horizontal")


def pretrained_encoder(run: Path, *, arm: str, seed: int) -> Model:
    """Read an encoder of a run; refuses one that is not there and names those that are."""
    path = run / Cell(arm, "pretrain", 1.0, seed).name / FILE
    if not path.exists():
        cells = [cell for cell in cells_of(run) if cell.mode == "pretrain" and (run / cell.name / FILE).exists()]
        there = [f"{cell.arm}/seed-{cell.seed}" for cell in cells]
        raise InputError(f"{run}: no pretrained encoder {arm}/seed-{seed}; it has {', '.join(there) or 'none'}")
    return load_model(path)
