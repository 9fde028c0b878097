"""Does an encoder recognise an image in another look at it? Measured on patients that were not trained on, then said in
words: the diagnostics of objectives that predict no latents (learning/collapse.py has those of the ones that do).

A contrastive loss says little by itself (it depends on the batch), and a reconstruction can be good where the vector is
empty. So: how the vectors spread, and how often the nearest of all other looks is the right one, against chance.
"""

import torch
from torch.nn import functional as F

from semeia.encoders.patient import PatientEncoder
from semeia.learning.collapse import ENOUGH, spread
from semeia.shapes import Embeddings
from semeia.views.patient import Views

IMAGE = "image"


@torch.no_grad()
def recognise(encoder: PatientEncoder, views: Views) -> dict[str, float]:
    """Diagnostics of an encoder of images.

    Args:
        encoder: in evaluation mode.
        views: two looks at watched units.

    Returns:
        Spread of the image's mean token (see `collapse.spread`), `recognised` (share of looks whose nearest look, by
        cosine of centred vectors, is at the same image) and `recognised_by_chance`; with few units only their number.
    """
    one, there = vectors(encoder, views)
    other, _ = vectors(encoder, views.other())
    one, other = one[there], other[there]
    if len(one) < ENOUGH:
        return {"watched_units": float(len(one))}
    dim = encoder.settings.dim
    found = {f"{IMAGE}_{what}": value for what, value in spread(one[:, :dim]).items()}
    found["recognised"] = nearest_is_own(one, other)
    found["recognised_by_chance"] = 1 / len(one)
    return {name: round(value, 4) for name, value in found.items()}


def vectors(encoder: PatientEncoder, views: Views) -> tuple[Embeddings, torch.Tensor]:
    """What the encoder pools of each image, [n, pools * dim], and which units have one, [n]."""
    index = encoder.kinds.index(IMAGE)
    pooled, there = encoder.pool(encoder(Views({IMAGE: views.modalities[IMAGE]})))
    return pooled[:, index].float(), there[:, index]


def nearest_is_own(one: Embeddings, other: Embeddings) -> float:
    """Share of rows whose most similar row of `other` is their own; both centred, as a shared vector is no match."""
    similarity = F.normalize(one - one.mean(0), dim=1) @ F.normalize(other - other.mean(0), dim=1).T
    return float((similarity.argmax(1) == torch.arange(len(one))).float().mean())


def verdict_on_looks(found: dict[str, float]) -> str:
    """One verdict in words: collapse first, then whether an image is recognised."""
    if "recognised" not in found:
        return "Not measured: too few patients were held out to tell whether pretraining has worked."
    if found[f"{IMAGE}_std_median"] < 0.05 or found[f"{IMAGE}_effective_rank"] < 4:
        return "Collapsed: the embedding of the image hardly differs between patients. Do not use this encoder."
    share, chance = found["recognised"], found["recognised_by_chance"]
    words = f"another look at the same image is the nearest in {100 * share:.0f}% (chance {100 * chance:.1f}%)"
    if share < 3 * chance:
        return f"No signal: {words}. Do not expect pretraining to help."
    return f"Healthy: {words}. What it recognises an image by need not be what the outcome hangs on."
