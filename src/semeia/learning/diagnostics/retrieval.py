"""Measure whether an encoder finds an image again in another view of it (instance retrieval).

The diagnostics of objectives that predict no latents (collapse.py has those of the ones that do), on patients that were
not trained on.

A contrastive loss says little by itself (it depends on the batch), and a reconstruction can be good where the vector is
empty. So: how the vectors spread, and how often the nearest of all other views is the right one, against chance.
"""

from itertools import permutations

import numpy as np
import torch
from torch.nn import functional as F

from semeia.data.batch import Batch, RowMask
from semeia.data.dataset import Dataset
from semeia.encoders.patient import PatientEncoder
from semeia.learning.diagnostics.collapse import ENOUGH, spread
from semeia.learning.model import Model
from semeia.objectives.pairs import Pairs
from semeia.objectives.views import two_views, vectors
from semeia.shapes import Embeddings


@torch.no_grad()
def retrieve(encoder: PatientEncoder, batch: Batch, modality: str) -> dict[str, float]:
    """Measure an encoder of one modality, in evaluation mode, by two views of watched units.

    Returns:
        Spread of the modality's mean token (see `collapse.spread`), `retrieved` (share of views whose nearest view, by
        cosine of centred vectors, is of the same unit) and `retrieved_by_chance`; with few units only their number.
    """
    views = two_views(batch, modality)  # of the units that have both
    if views is None or len(views[0]) < ENOUGH:
        return {"watched_units": 0.0 if views is None else float(len(views[0]))}
    one, other = (vectors(encoder, view, modality).float() for view in views)
    dim = encoder.settings.dim
    measures = {f"{modality}_{what}": value for what, value in spread(one[:, :dim]).items()}
    measures["retrieved"] = nearest_is_own(one, other)
    measures["retrieved_by_chance"] = 1 / len(one)
    return {name: round(value, 4) for name, value in measures.items()}


@torch.no_grad()
def retrieve_partner(objective: Pairs, batch: Batch) -> dict[str, float]:
    """Measure how often the nearest partner (the record of a scan) is one's own, where a modality has but one view.

    Gives the numbers of `retrieve`, of the first modality's vectors in the common space.
    """
    both = batch.has(objective.pair[0]) & batch.has(objective.pair[1])
    if int(both.sum()) < ENOUGH:
        return {"watched_units": float(both.sum())}
    one, other = (side.float() for side in objective.eval().projected(batch, both))
    measures = {f"{objective.pair[0]}_{what}": value for what, value in spread(one).items()}
    measures |= {"retrieved": nearest_is_own(one, other), "retrieved_by_chance": 1 / len(one)}
    return {name: round(value, 4) for name, value in measures.items()}


def retrieve_across(model: Model, data: Dataset, rows: np.ndarray) -> dict[str, float]:
    """Measure how often a unit's other modality is the nearest in the common space, `<one>_finds_<other>`.

    Units that have all the modalities count; without a common space nothing is measured.
    """
    if not model.common:
        return {}
    pooled, there = model.pooled(data, rows)
    both = there[:, [model.encoder.kinds.index(name) for name in model.common]].all(1)
    if int(both.sum()) < ENOUGH:
        return {}
    vectors = model.compared(pooled[both])
    pairs = permutations(vectors, 2)
    return {f"{one}_finds_{other}": round(nearest_is_own(vectors[one], vectors[other]), 4) for one, other in pairs}


def nearest_is_own(one: Embeddings, other: Embeddings) -> float:
    """Share of rows whose most similar row of `other` is their own."""
    return float(own_is_nearest(one, other).float().mean())


def own_is_nearest(one: Embeddings, other: Embeddings) -> RowMask:
    """Say of each row whether the most similar of `other` is its own; both are centred: what all share is no match."""
    similarity = F.normalize(one - one.mean(0), dim=1) @ F.normalize(other - other.mean(0), dim=1).T
    return similarity.argmax(1) == torch.arange(len(one))
