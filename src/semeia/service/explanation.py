"""Explain one prediction by asking the same model again: without a modality, without an item, with a square hidden.

A contribution is the probability less that of the same unit without the thing: what the model makes of it beside
everything else. It is no cause, and contributions do not add up to the probability.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from semeia.data.dataset import Dataset, Observed
from semeia.data.modalities import Signatures, Table, Volume
from semeia.data.modality import Arrays
from semeia.encoders.saliency import saliency
from semeia.learning.model import Model
from semeia.shapes import ModalityMask, Pooled

Score = Callable[[Dataset, tuple[str, ...]], np.ndarray]  # units and what is hidden, to one number each
MOST_ITEMS = 32
SQUARES = 4  # a hidden square is a quarter of the picture wide


def of_modalities(data: Dataset, score: Score) -> dict[str, float | None]:
    """Give the contribution of each modality that is there; None where it is all there is."""
    there = [name for name in data.modalities if data.observed(name).any()]
    if len(there) < 2:
        return dict.fromkeys(there)
    whole = float(score(data, ())[0])
    return {name: whole - float(score(data, (name,))[0]) for name in there}


def of_items(data: Dataset, score: Score, names: dict[str, tuple[str, ...]]) -> dict[str, dict[str, float]]:
    """Give the contribution of each item of a table, and of each signature, of the newest observation; largest first.

    An item is left out as if it had not been known. A signature is put to its mean over the training patients: of a
    date all are known or none.

    Args:
        data: one unit.
        score: of the model.
        names: of the signatures of each modality.
    """
    found: dict[str, dict[str, float]] = {}
    for name, modality in data.modalities.items():
        observed = data.observations[name]
        if not observed.there.any():
            continue
        if isinstance(modality, Table):
            values, changed, known = observed.arrays.values, np.nan, observed.arrays.names
        elif isinstance(modality, Signatures) and name in names:
            # a linear model fits no scale: it takes its own mean where a number is missing
            mean = np.nan if modality.fitted is None else modality.fitted.mean
            values, changed, known = observed.arrays.values, mean, names[name]
        else:
            continue
        places = [place for place in range(len(known)) if not np.isnan(values[0, ..., place]).any()]
        if len(places) < 2 and len(data.modalities) < 2:
            continue  # nothing would be left
        scores = score(_without_each(data, name, places, np.broadcast_to(changed, len(known))), ())
        shares = {known[place]: float(scores[0] - scores[1 + at]) for at, place in enumerate(places)}
        kept = sorted(shares, key=lambda item: (-abs(shares[item]), item))[:MOST_ITEMS]
        found[name] = {item: shares[item] for item in kept}
    return found


def _without_each(data: Dataset, name: str, places: list[int], changed: np.ndarray) -> Dataset:
    """The unit as it is, and for each place a unit whose newest observation is changed there."""
    observed, count = data.observations[name], 1 + len(places)
    values, mask = observed.arrays.values, observed.arrays.mask
    newest = np.repeat(values[:1], count, 0)
    for row, place in enumerate(places, start=1):
        newest[row, ..., place] = changed[place]
    seen = np.repeat(mask[:1], count, 0)
    if mask.shape[1:] == values.shape[1:]:  # a table: what is NaN is not there
        seen = ~np.isnan(newest)
    slot = np.repeat(observed.slot + count, count, 0)
    slot[:, 0] = np.arange(count)
    slot[:, 1:] -= 1
    arrays = Arrays(np.concatenate([newest, values[1:]]), np.concatenate([seen, mask[1:]]), observed.arrays.names)
    rows = np.zeros(count, int)
    whole = data.take(rows)
    mine = Observed(arrays, slot, np.repeat(observed.when, count, 0))
    return replace(whole, observations={**whole.observations, name: mine})


def maps(model: Model, data: Dataset) -> dict[str, dict[str, object]]:
    """Map where each image holds what the prediction depends on (encoders/saliency.py), on a coarse grid.

    Of a volume it is seen along its axis: a square stands for a column through all planes.
    """
    head = model.head
    assert head is not None  # it scores
    found: dict[str, dict[str, object]] = {}

    def chance(pooled: Pooled, there: ModalityMask) -> torch.Tensor:
        return head.task.probabilities(head(pooled.float(), there)) @ torch.arange(float(head.task.classes))

    batch = model.batch(data, np.arange(1))
    for name, modality in model.preprocessing.modalities.items():
        if not isinstance(modality, Volume) or not data.observed(name).any():
            continue
        _, height, width = modality.crop.voxels
        size = max(min(height, width) // SQUARES, 2)
        where = saliency(model.encoder, chance, batch, modality=name, cells=head.cells, size=size)[0]
        step = max(size // 2, 1)
        rows, columns = height // step, width // step
        coarse = where[: rows * step, : columns * step].reshape(rows, step, columns, step).mean((1, 3))
        found[name] = {"rows": rows, "columns": columns, "share": [round(float(x), 4) for x in coarse.flatten()]}
    return found


def why_no_map(model: object, data: Dataset) -> str:
    """Say why a model has no map of its images; empty where it has."""
    if not isinstance(model, Model):
        return "maps are of networks; this model is none"
    images = [name for name, modality in data.modalities.items() if isinstance(modality, Volume)]
    return "" if any(data.observed(name).any() for name in images) else "maps are of images; none was sent"
