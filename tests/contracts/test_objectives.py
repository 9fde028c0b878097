"""Every objective against the contract of objectives. A new one is one line in `OBJECTIVES`."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from contracts.objective_contract import CHECKS, STEP, Make
from semeia.data.masks import MaskSettings
from semeia.objectives.adversarial import AdversarialSettings
from semeia.objectives.albef import DIRECTIONS, AlbefSettings
from semeia.objectives.build import ObjectiveSettings, build_objective
from semeia.objectives.byol import ByolSettings
from semeia.objectives.heads.fused import FusionSettings
from semeia.objectives.latent_prediction import LatentPrediction, LatentPredictionSettings
from semeia.objectives.mae import MaeSettings
from semeia.objectives.moco import MoCoSettings
from semeia.objectives.pairs import CONVIRT, PairSettings
from semeia.objectives.simclr import SimClrSettings
from semeia.objectives.supervised import Supervised, SupervisedSettings
from semeia.objectives.vicreg import VicRegSettings
from small_batches import small_batch, small_encoder, with_second_view

GUARDS = ("ema", "ema+vicreg", "vicreg", "sigreg")
WITHIN = MaskSettings(scale=(0.3, 0.4), token=0.2)
WHOLE = MaskSettings(block=0.0)
BOTH = ("image", "report")
TWO = ("image", "nbi")


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


def fused(**settings: object) -> Make:
    """Fine-tuning of a fusion, with a shift that is drawn."""

    def make(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        fusion = FusionSettings(**{"clusters": 2, "shift": "gaussian", **settings})
        encoder = small_encoder(seed=seed, mixing="symmetric" if fusion.symmetric else "cross")
        objective = Supervised(encoder, settings=SupervisedSettings(fusion=fusion))
        for linear in (objective.head.linear, *(objective.head.others or ())):
            nn.init.normal_(linear.weight)
        nn.init.constant_(objective.head.dictionary.variances, 1.0)
        return objective.train()

    return make


def built(
    *terms: str,
    image: str = "patches",
    modalities: tuple[str, ...] = ("image",),
    mixing: str = "together",
    **settings: object,
) -> Make:
    """What `build_objective` makes of some names, small; on an encoder of images alone if not told otherwise."""

    def make(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        encoder = small_encoder(image, seed=seed, modalities=modalities, mixing=mixing)
        return build_objective(replace(settings_of(terms), **settings), encoder).train()

    return make


def moco_with_a_queue(seed: int) -> nn.Module:
    """MoCo after a first batch: with an empty queue it has nothing to learn from."""
    objective = built("moco")(seed)
    objective.loss(with_second_view(small_batch(seed=1)), STEP)
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
        clip=PairSettings(dim=8),
        convirt=replace(CONVIRT, dim=8),
        albef=AlbefSettings(queue=16, ramp=0.0, dim=8),
        adversarial=AdversarialSettings(hidden=16),
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
    "fused": fused(),
    "fused-symmetric-evidential": fused(symmetric=True, inference="evidential"),
    "simclr": built("simclr"),
    "simclr-conv": built("simclr", image="conv"),
    "vicreg": built("vicreg"),
    "mae": built("mae"),
    "mae-both": built("mae", modalities=TWO, mae=MaeSettings(decoder_dim=16, decoder_heads=2, both=True)),
    "moco": moco_with_a_queue,
    "byol": built("byol"),
    "clip": built("clip", modalities=BOTH),
    "convirt": built("convirt", modalities=BOTH),
    "clip-normed": built("clip", modalities=TWO, clip=PairSettings(dim=8, layers=2, hidden=16, norm=True, shared=True)),
    **{
        f"albef-{looks}": built("albef", modalities=TWO, albef=AlbefSettings(looks, 16, ramp=0.0, dim=8))
        for looks in DIRECTIONS
    },
    "adversarial": built("adversarial", modalities=TWO),
    "mics": built(
        "mae",
        "albef",
        "clip",
        modalities=TWO,
        mixing="apart",
        weights=(10.0, 1.0, 0.1),
        mae=MaeSettings(decoder_dim=16, decoder_heads=2, both=True),
    ),
    "latent-apart": built("jepa", modalities=("image", "reading"), mixing="apart"),
    "slip": built("simclr", "clip", modalities=BOTH),
    "jepa-and-byol": built("jepa", "byol", modalities=("image", "reading")),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_objective(name: str, check: Callable[[Make], None]):
    check(OBJECTIVES[name])
