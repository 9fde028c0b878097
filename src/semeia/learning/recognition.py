"""Does an encoder recognise an image in another look at it? Measured on patients that were not trained on, then said in
words: the diagnostics of objectives that predict no latents (learning/collapse.py has those of the ones that do).

A contrastive loss says little by itself (it depends on the batch), and a reconstruction can be good where the vector is
empty. So: how the vectors spread, and how often the nearest of all other looks is the right one, against chance.
"""

import torch
from torch.nn import functional as F

from semeia.encoders.patient import PatientEncoder
from semeia.learning.collapse import ENOUGH, narrowness, spread
from semeia.objectives.looks import IMAGE, image_vectors, two_looks
from semeia.shapes import Embeddings
from semeia.views.patient import Views

# So many times more often than by chance must an image be recognised.
TIMES_CHANCE = 3


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
    looks = two_looks(views)  # of the units that have an image
    if looks is None or len(looks[0]) < ENOUGH:
        return {"watched_units": 0.0 if looks is None else float(len(looks[0]))}
    one, other = (image_vectors(encoder, look).float() for look in looks)
    dim = encoder.settings.dim
    found = {f"{IMAGE}_{what}": value for what, value in spread(one[:, :dim]).items()}
    found["recognised"] = nearest_is_own(one, other)
    found["recognised_by_chance"] = 1 / len(one)
    return {name: round(value, 4) for name, value in found.items()}


def nearest_is_own(one: Embeddings, other: Embeddings) -> float:
    """Share of rows whose most similar row of `other` is their own; both centred, as a shared vector is no match."""
    similarity = F.normalize(one - one.mean(0), dim=1) @ F.normalize(other - other.mean(0), dim=1).T
    return float((similarity.argmax(1) == torch.arange(len(one))).float().mean())


def verdict_on_looks(found: dict[str, float]) -> str:
    """One verdict in words: collapse first, then whether an image is recognised."""
    if "recognised" not in found:
        return "Not measured: too few patients were held out to tell whether pretraining has worked."
    share, chance = found["recognised"], found["recognised_by_chance"]
    known = share >= TIMES_CHANCE * chance
    words = f"another look at the same image is the nearest in {100 * share:.0f}% (chance {100 * chance:.1f}%)"
    fired, alone = narrowness(found).get(IMAGE, ("", False))
    if fired and (alone or not known):
        return (
            f"Collapsed: the embedding of the image hardly differs between patients ({fired}). Do not use this encoder."
        )
    if not known:
        return f"No signal: {words}, less than {TIMES_CHANCE} times chance. Do not expect pretraining to help."
    narrow = f" But the embedding uses few directions ({fired})." if fired else ""
    return f"Healthy: {words}. What it recognises an image by need not be what the outcome hangs on.{narrow}"
