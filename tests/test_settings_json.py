"""Settings survive JSON: every nested dataclass, tuple and default."""

import json

import pytest

from semeia.errors import InputError
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.pretrain import PretrainSettings
from semeia.settings_json import from_plain, to_plain
from semeia.studies.nodule import NoduleSettings
from small_training import FINETUNE, PRETRAIN


@pytest.mark.parametrize(
    "settings",
    [PretrainSettings(), FinetuneSettings(), NoduleSettings(seeds=(1, 2), pretraining=PRETRAIN, finetuning=FINETUNE)],
)
def test_round_trip(settings: object):
    assert from_plain(type(settings), json.loads(json.dumps(to_plain(settings)))) == settings


def test_absent_names_take_their_defaults():
    assert from_plain(PretrainSettings, {"held_out": 0.2}) == PretrainSettings(held_out=0.2)


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="PretrainSettings has no field 'no such'; there are model,"):
        from_plain(PretrainSettings, {"no such": 1})
