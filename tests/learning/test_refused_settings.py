"""Settings that cannot work are refused when they are made, before anything is written; the message names the field."""

from collections.abc import Callable

import pytest
import torch

from semeia.data.augment import AugmentSettings
from semeia.data.masks import MaskSettings
from semeia.data.modalities import Text
from semeia.encoders.patient import EncoderSettings
from semeia.errors import InputError
from semeia.learning.loop import LoopSettings
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.build import ObjectiveSettings
from semeia.objectives.byol import ByolSettings
from semeia.objectives.latent_prediction import LatentPredictionSettings
from semeia.objectives.mae import MaeSettings
from semeia.objectives.moco import MoCoSettings
from semeia.objectives.pairs import PairSettings
from semeia.objectives.simclr import SimClrSettings
from semeia.objectives.supervised import SupervisedSettings
from semeia.objectives.vicreg import VicRegSettings
from semeia.studies.nodule import NoduleSettings
from semeia.studies.pictures.knee_settings import KneeSettings


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LoopSettings(device="gpu"), "loop: device is 'gpu'; there are auto, cpu, cuda"),
        (lambda: LoopSettings(log_every=-1), "loop: log_every is -1"),
        (lambda: LoopSettings(save_every=-1), "loop: save_every is -1"),
        (lambda: OptimiserSettings(batch=0), "optimiser: batch is 0; it must be 1 or more"),
        (lambda: OptimiserSettings(lr=-1e-3), "optimiser: lr is"),
        (lambda: OptimiserSettings(lr=float("nan")), "optimiser: lr is nan"),
        (lambda: OptimiserSettings(warmup=2.0), "optimiser: warmup is 2.0; it must be 0 or more and 1 at most"),
        (lambda: OptimiserSettings(weight_decay=(0.1, -0.1)), "optimiser: weight_decay is"),
        (lambda: OptimiserSettings(clip=0.0), "optimiser: clip is 0.0"),
        (lambda: PretrainSettings(held_out=1.5), "pretraining: held_out is 1.5; it must be above 0 and below 1"),
        (lambda: PretrainSettings(held_out=-0.1), "pretraining: held_out is -0.1"),
        (lambda: Text(length=0), "text: length is 0"),
        (lambda: Text(depth=-1), "text: depth is -1"),
        (lambda: EncoderSettings(heads=0), "encoder: heads is 0"),
        (lambda: EncoderSettings(depth=-1), "encoder: depth is -1"),
        (lambda: EncoderSettings(dim=0), "encoder: dim is 0"),
        (lambda: LatentPredictionSettings(predictor_heads=0), "jepa: predictor_heads is 0"),
        (lambda: LatentPredictionSettings(predictor_dim=12), "jepa: predictor_dim 12 must be a multiple"),
        (lambda: LatentPredictionSettings(ema=1.2), "jepa: ema is 1.2"),
        (lambda: MaskSettings(scale=(0.5, 0.2)), "masks: scale .* must not fall"),
        (lambda: MaskSettings(blocks=0), "masks: blocks is 0"),
        (lambda: SimClrSettings(temperature=0.0), "simclr: temperature is 0.0; it must be above 0"),
        (lambda: MoCoSettings(queue=0), "moco: queue is 0"),
        (lambda: MoCoSettings(momentum=1.5), "moco: momentum is 1.5"),
        (lambda: ByolSettings(dim=0), "byol: dim is 0"),
        (lambda: VicRegSettings(variance=-1.0), "vicreg: variance is -1.0"),
        (lambda: MaeSettings(decoder_heads=0), "mae: decoder_heads is 0"),
        (lambda: PairSettings(temperature=float("nan")), "pairs: temperature is nan"),
        (lambda: PairSettings(dim=0), "pairs: dim is 0"),
        (lambda: SupervisedSettings(dropout=1.0), "supervised: dropout is 1.0"),
        (lambda: AugmentSettings(zoom=1.0), "augmentation: zoom is 1.0"),
        (lambda: AugmentSettings(noise=-0.1), "augmentation: noise is -0.1"),
        (lambda: ObjectiveSettings(terms=("jepa", "jepa")), "must be different names of"),
        (lambda: ObjectiveSettings(terms=("jepa",), weights=(0.0,)), "must be one above 0"),
        (lambda: NoduleSettings(workers=0), "study: workers is 0"),
        (lambda: NoduleSettings(folds=1, seeds=(0,)), "study: folds is 1"),
        (lambda: NoduleSettings(seeds=(0, 0)), "each once"),
        (lambda: NoduleSettings(fractions=(0.5, 0.5)), "each once"),
        (lambda: KneeSettings(seeds=(-1,)), r"study: seeds is \[-1\]"),
        (lambda: KneeSettings(starts=("mae", "mae")), "must each be given once"),
    ],
)
def test_a_setting_out_of_range_is_named(make: Callable[[], object], words: str):
    with pytest.raises(InputError, match=words) as refused:
        make()
    assert "\n" not in str(refused.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:3"])
def test_a_gpu_that_is_not_there(device: str):
    with pytest.raises(InputError, match=f"^loop: device is {device}, and there is no GPU here .*; use cpu or auto$"):
        LoopSettings(device=device)


@pytest.mark.parametrize("name", ["simclr", "vicreg", "clip", "convirt"])
def test_objectives_that_compare_units_need_two_of_them(name: str):
    objective = ObjectiveSettings(terms=("mae", name))
    with pytest.raises(InputError, match=f"^optimiser: batch is 1; {name} compares units: give 2 or more$"):
        PretrainSettings(objective=objective, optimiser=OptimiserSettings(batch=1))
    assert PretrainSettings(objective=objective, optimiser=OptimiserSettings(batch=2)).optimiser.batch == 2


def test_others_learn_from_one():
    for name in ("jepa", "mae", "byol", "moco"):
        PretrainSettings(objective=ObjectiveSettings(terms=(name,)), optimiser=OptimiserSettings(batch=1))
