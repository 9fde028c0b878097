"""Settings survive JSON: every nested dataclass, tuple and default; what was edited wrongly is named by its path."""

import json

import pytest

from semeia.data.crops import CropSettings
from semeia.data.modalities import Picture, Signal, Table, Text, Vector, Volume
from semeia.data.modality import History
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.pretrain import PretrainSettings
from semeia.settings_json import from_plain, to_plain
from small_training import FINETUNE, PRETRAIN

EVERY = ModelSettings(
    modalities={
        "ct": Volume(network="conv", history=History(most=2, months=12.0)),
        "photo": Picture(colours=3),
        "reading": Table(source="nurse"),
        "report": Text(length=12),
        "expressions": Vector(source="expressions"),
        "ecg": Signal(source="ecg", length=200),
    }
)


@pytest.mark.parametrize("settings", [PretrainSettings(), FinetuneSettings(), PRETRAIN, FINETUNE, EVERY])
def test_round_trip(settings: object):
    again = from_plain(type(settings), json.loads(json.dumps(to_plain(settings))))
    assert again == settings
    if isinstance(again, ModelSettings):
        assert [type(one) for one in again.modalities.values()] == [Volume, Picture, Table, Text, Vector, Signal]


def test_absent_names_take_their_defaults():
    assert from_plain(PretrainSettings, {"held_out": 0.2}) == PretrainSettings(held_out=0.2)
    model = from_plain(ModelSettings, {"modalities": {"photo": {"type": "picture", "crop": {"patch": [1, 8, 8]}}}})
    assert model.modalities["photo"] == Picture(crop=CropSettings(patch=(1, 8, 8)))


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ({"no such": 1}, "PretrainSettings has no field 'no such'"),
        ({"held_out": "a"}, "PretrainSettings.held_out must be a number"),
        ({"model": {"crop": {"voxels": [1, 2]}}}, r"model.crop.voxels must have 3 entries, not 2"),
        ({"model": {"crop": {"patch": [5, 5, 5]}}}, "does not divide the grid"),
        (
            {"model": {"modalities": {"ct": {"type": "picture", "network": "magic"}}}},
            r"modalities.ct.network must be one of",
        ),
        ({"model": {"modalities": {"ct": 3}}}, "modalities.ct must be an object"),
    ],
)
def test_what_is_wrong_is_named(plain: dict, words: str):
    with pytest.raises(InputError, match=words):
        from_plain(PretrainSettings, plain)
