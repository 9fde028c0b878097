"""Settings survive JSON: every nested dataclass, tuple and default."""

import json

import pytest

from semeia.encoders.patient import EncoderSettings
from semeia.errors import InputError
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.pretrain import PretrainSettings
from semeia.settings_json import from_plain, to_plain
from semeia.studies.nodule import NoduleSettings
from semeia.views.fingerprint import Fingerprint
from small_training import FINETUNE, PRETRAIN


@pytest.mark.parametrize(
    "settings",
    [PretrainSettings(), FinetuneSettings(), NoduleSettings(seeds=(1, 2), pretraining=PRETRAIN, finetuning=FINETUNE)],
)
def test_round_trip(settings: object):
    assert from_plain(type(settings), json.loads(json.dumps(to_plain(settings)))) == settings


def test_absent_names_take_their_defaults():
    assert from_plain(PretrainSettings, {"held_out": 0.2}) == PretrainSettings(held_out=0.2)


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        (None, "NoduleSettings must be an object .names with values., not null"),
        ([], "NoduleSettings must be an object .names with values., not a list"),
        ({"seeds": 1}, "NoduleSettings.seeds must be a list, not a whole number"),
        ({"seeds": ["x"]}, r"NoduleSettings.seeds\[0\] must be a whole number, not a text"),
        ({"pretraining": []}, "NoduleSettings.pretraining must be an object"),
        ({"pretraining": {"held_out": True}}, "pretraining.held_out must be a number, not true or false"),
        ({"pretraining": {"model": {"image": "cubes"}}}, "pretraining.model.image must be one of rings, patches"),
        ({"pretraining": {"model": {"crop": {"voxels": [1, 2]}}}}, "crop.voxels must have 3 entries, not 2"),
        ({"pretraining": {"model": {"encoder": {"dim": 64.5}}}}, "encoder.dim must be a whole number, not a number"),
    ],
)
def test_what_was_edited_is_named_by_its_path(plain: object, words: str):
    with pytest.raises(InputError, match=words):
        from_plain(NoduleSettings, plain)


def test_settings_that_cannot_be_together_are_no_bug():
    with pytest.raises(InputError, match="encoder"):
        from_plain(EncoderSettings, {"heads": 0}, where="encoder")


def test_what_has_no_default_must_be_there():
    with pytest.raises(InputError, match=r"part\.patients is missing"):
        from_plain(Fingerprint, {"images": []}, where="part")


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="PretrainSettings has no field 'no such'; there are model,"):
        from_plain(PretrainSettings, {"no such": 1})
