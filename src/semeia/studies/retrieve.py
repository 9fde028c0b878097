"""Ask whether a picture finds its other modality among all others: by a pretrained encoder, and by gray pixels.

A lesion in white light finds its own narrow-band picture, or not; at first by chance. Gray pixels need no training.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.store import open_archive
from semeia.data.dataset import Dataset
from semeia.data.modalities import Picture
from semeia.data.modality import Modality
from semeia.errors import InputError
from semeia.evaluation.tables.characteristics import clustered_wilson
from semeia.learning.diagnostics.retrieval import own_is_nearest
from semeia.learning.model import Model
from semeia.learning.scoring import data_for, pretrained_encoder, require_unseen
from semeia.shapes import Embeddings

GRAY = "gray pixels"


def retrieve(
    run: Path, *, archive: Path, arm: str, first: str, second: str, seed: int = 0, skip_seen: bool = False
) -> pl.DataFrame:
    """Top-1 accuracy of finding a unit's other modality by cosine, with an interval over patients, both ways.

    Every unit with both image types is asked once and is an answer once. A type that the encoder does not know is read
    by its last modality (`second`) or its first one (`first`), as it is. Where pretraining led both to a common space
    (`albef`, the synergistic sum) vectors are compared there, else as they are pooled.

    Args:
        first: an image type of the archive, such as wli.
        second: the other one, such as nbi.
        seed: whose encoder.
        skip_seen: leave out patients that the encoder was trained on, instead of refusing.

    Returns:
        vectors, asks, finds, top1, low, high, chance, n, n_patients: of the encoder, then of gray pixels.
    """
    model = pretrained_encoder(run, arm=arm, seed=seed)
    sides = []
    for kind, at in ((first, 0), (second, -1)):
        name = kind if kind in model.encoder.kinds else model.encoder.kinds[at]
        read = _as_it_is(model.modalities[name], kind)
        sides.append((name, _reading(model, name, read), data_for(open_archive(archive), {name: read}, None)))
    usable = np.logical_and.reduce([data.observed(name) for name, _, data in sides])
    seen = model.fitted_on.seen(sides[0][2])
    subjects = sides[0][2].subjects
    require_unseen(len(np.unique(subjects[usable & seen])), skip_seen=skip_seen)
    rows = np.flatnonzero(usable & ~seen)
    if len(rows) < 2:
        raise InputError(f"{archive}: {len(rows)} unit(s) have both {first} and {second}; two are needed")
    common = set(model.common) >= {name for name, _, _ in sides}
    vectors = {
        arm: [_encoded(model, reader, name, data, rows, common=common) for name, reader, data in sides],
        GRAY: [_gray(reader, name, data, rows) for name, reader, data in sides],
    }
    found = []
    for words, (one, other) in vectors.items():
        for asks, finds, query, answers in ((first, second, one, other), (second, first, other, one)):
            own = own_is_nearest(query, answers).double().numpy()
            low, high = clustered_wilson(own, subjects[rows])
            about = {"vectors": words, "asks": asks, "finds": finds, "top1": float(own.mean()), "low": low}
            n = {"chance": 1 / len(rows), "n": len(rows), "n_patients": len(np.unique(subjects[rows]))}
            found.append(about | {"high": high} | n)
    return pl.DataFrame(found)


def _as_it_is(modality: Modality, kind: str) -> Picture:
    """Read another image type in the same way; nothing is derived from a picture that was taken."""
    if not isinstance(modality, Picture):
        raise InputError("pictures find pictures; this encoder reads none under that name")
    crop = replace(modality.crop, picture=replace(modality.crop.picture, derive=""))
    return replace(modality, source=kind, crop=crop)


def _reading(model: Model, name: str, read: Picture) -> Model:
    """The model, reading that one modality in that way."""
    preprocessing = replace(model.preprocessing.only((name,)), modalities={name: read})
    return replace(model.only((name,)), preprocessing=preprocessing)


def _encoded(model: Model, reader: Model, name: str, data: Dataset, rows: np.ndarray, *, common: bool) -> Embeddings:
    pooled, _ = reader.pooled(data, rows)
    return model.common[name](pooled[:, 0]).detach() if common else pooled[:, 0]


def _gray(reader: Model, name: str, data: Dataset, rows: np.ndarray) -> Embeddings:
    """The newest picture of each unit as the network sees it, without colours, [unit, pixel]; of unit variance."""
    pixels = reader.batch(data, rows).modalities[name].values[:, 0].nan_to_num().mean(1).flatten(1)
    return (pixels - pixels.mean(1, keepdim=True)) / pixels.std(1, keepdim=True).clamp(min=1e-6)
