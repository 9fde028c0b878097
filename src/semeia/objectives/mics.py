"""Compose the pretraining of MICS (2509.17492): reconstruction, consistency and alignment of two imaging modalities.

An open reconstruction: of the paper only its abstract and figures, and of its code a part, are public. Which objective
stands for which term, and what is known and what inferred: docs/objectives/mics.md.
"""

from typing import Literal

from semeia.data.masks import MaskSettings
from semeia.errors import InputError
from semeia.objectives.albef import AlbefSettings
from semeia.objectives.build import ObjectiveSettings
from semeia.objectives.latent_prediction import LatentPredictionSettings
from semeia.objectives.mae import MaeSettings
from semeia.objectives.pairs import PairSettings

Alignment = Literal["infonce", "adversarial"]
# By what each term is called: the objective of that name, and its published weight.
TERMS = {"reconstruction": ("mae", 10.0), "consistency": ("albef", 1.0), "alignment": ("clip", 0.1)}
# 768 -> 2048 -> 512 of the figure, in one block for both modalities.
GLOBAL_EMBEDDING = PairSettings(
    learn_temperature=False, layers=2, dim=512, hidden=2048, norm=True, shared=True, temperature=0.07
)


def mics(
    pair: tuple[str, str] = ("", ""),
    *,
    without: tuple[str, ...] = (),
    alignment: Alignment = "infonce",
    weights: dict[str, float] | None = None,
    queue: int = AlbefSettings.queue,
) -> ObjectiveSettings:
    """Set the sum of MICS, as `PretrainSettings.objective` takes it, for an encoder each (`mixing` "apart").

    An ablation leaves terms out; that of the second modality is made where modalities are named, not here: a `Picture`
    of the first one's source under another name is augmented on its own, an ordinary augmentation.

    Args:
        pair: names of the modalities; empty: the first and the last that the encoder reads.
        without: names in `TERMS` that are left out.
        alignment: by InfoNCE, or "adversarial".
        weights: of terms, where they are not the published 10, 1 and 0.1.
        queue: keys of each modality; at most half of the units.
    """
    if unknown := {*without, *(weights or {})} - set(TERMS):
        raise InputError(f"mics: no term '{min(unknown)}'; there are {', '.join(TERMS)}")
    kept = {name: TERMS[name] for name in TERMS if name not in without}
    chosen = {"clip": "adversarial"} if alignment == "adversarial" else {}
    return ObjectiveSettings(
        terms=tuple(chosen.get(objective, objective) for objective, _ in kept.values()),
        weights=tuple((weights or {}).get(name, weight) for name, (_, weight) in kept.items()),
        modality=pair[0],
        other=pair[1],
        mae=MaeSettings(normalise=False, both=True),
        clip=GLOBAL_EMBEDDING,
        albef=AlbefSettings(queue=queue),
    )


def between_modalities(*, guarded: bool) -> ObjectiveSettings:
    """Set joint-embedding prediction of each modality from the other, and of nothing within one.

    Args:
        guarded: whether VICReg's terms stand beside the moving average (C-JEPA).
    """
    whole = MaskSettings(modality=1.0, visit=0.0, block=0.0, token=0.0)
    jepa = LatentPredictionSettings(guard="ema+vicreg" if guarded else "ema", masks=whole)
    return ObjectiveSettings(terms=("jepa",), jepa=jepa)
