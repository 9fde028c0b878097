"""Every objective against the contract of objectives. A new one is one line in `OBJECTIVES`."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from contracts.objective_contract import CHECKS, STEP, Make
from semeia.objectives.build import ObjectiveSettings, build_objective
from semeia.objectives.byol import ByolSettings
from semeia.objectives.image_text import CONVIRT, ImageTextSettings
from semeia.objectives.latent_prediction import LatentPrediction, LatentPredictionSettings
from semeia.objectives.mae import MaeSettings
from semeia.objectives.moco import MoCoSettings
from semeia.objectives.simclr import SimClrSettings
from semeia.objectives.supervised import Supervised, SupervisedSettings
from semeia.objectives.vicreg import VicRegSettings
from semeia.views.block_masks import MaskSettings
from small_views import SmallText, small_encoder, small_views, with_other_look

GUARDS = ("ema", "ema+vicreg", "vicreg", "sigreg")
WITHIN = MaskSettings(scale=(0.3, 0.4), token=0.2)
WHOLE = MaskSettings(block=0.0)


def latent(image: str = "patches", *, masks: MaskSettings = WITHIN, **settings: object) -> Make:
    def make(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        chosen = LatentPredictionSettings(predictor_dim=16, predictor_heads=2, masks=masks, **settings)
        return LatentPrediction(small_encoder(image, seed=seed), settings=chosen).train()

    return make


def supervised(image: str = "patches", **settings: float) -> Make:
    def make(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        objective = Supervised(small_encoder(image, seed=seed), settings=SupervisedSettings(**settings))
        # As after a probe: a head of zeros would hide the encoder from the gradient.
        nn.init.normal_(objective.head.linear.weight)
        return objective.train()

    return make


def built(*terms: str, image: str = "patches", modalities: tuple[str, ...] = ("image",)) -> Make:
    """What `build_objective` makes of some names, small; on an encoder of images alone if not told otherwise."""

    def make(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        encoder = small_encoder(image, seed=seed, modalities=modalities)
        return build_objective(settings_of(terms), encoder, text=SmallText()).train()

    return make


def moco_with_a_queue(seed: int) -> nn.Module:
    """MoCo after a first batch: with an empty queue it has nothing to learn from."""
    objective = built("moco")(seed)
    objective.loss(with_other_look(small_views(seed=1)), STEP)
    return objective


def settings_of(terms: tuple[str, ...]) -> ObjectiveSettings:
    return ObjectiveSettings(
        terms=terms,
        jepa=LatentPredictionSettings(predictor_dim=16, predictor_heads=2, masks=WITHIN),
        moco=MoCoSettings(queue=16, hidden=16, dim=8),
        byol=ByolSettings(hidden=16, dim=8),
        simclr=SimClrSettings(hidden=16, dim=8),
        vicreg=VicRegSettings(hidden=16, dim=8),
        mae=MaeSettings(decoder_dim=16, decoder_heads=2),
        clip=ImageTextSettings(dim=8),
        convirt=replace(CONVIRT, dim=8),
    )


OBJECTIVES: dict[str, Make] = {
    **{f"latent-{guard}": latent(guard=guard) for guard in GUARDS},
    **{f"latent-{view}-target": latent(target_view=view) for view in ("full", "token")},
    **{f"latent-{guard}-token-target": latent(guard=guard, target_view="token") for guard in ("vicreg", "sigreg")},
    "latent-uncentred": latent(centre=False),
    "latent-rings": latent("rings"),
    "latent-conv": latent("conv", masks=WHOLE),
    "supervised": supervised(),
    "supervised-rings": supervised("rings", modality_dropout=0.5),
    "simclr": built("simclr"),
    "simclr-conv": built("simclr", image="conv"),
    "vicreg": built("vicreg"),
    "mae": built("mae"),
    "moco": moco_with_a_queue,
    "byol": built("byol"),
    "clip": built("clip"),
    "convirt": built("convirt"),
    "slip": built("simclr", "clip"),
    "jepa-and-byol": built("jepa", "byol", modalities=("reading", "image")),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_objective(name: str, check: Callable[[Make], None]):
    check(OBJECTIVES[name])
