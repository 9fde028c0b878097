"""A stored model is the same model; what it hides does not exist for it; what does not fit is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from semeia.data.crops import CropSettings
from semeia.data.dataset import Dataset, Observed
from semeia.data.modality import Arrays
from semeia.errors import InputError
from semeia.learning.finetune import finetune
from semeia.learning.model import FILE, Model, load_model
from small_training import FINETUNE, with_modalities


@pytest.fixture(scope="module")
def fitted(
    pretrained: Model,
    data: Dataset,
    training: tuple[np.ndarray, np.ndarray],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    rows, labels = training
    folder = tmp_path_factory.mktemp("fitted")
    finetune(
        data, rows, labels, start=pretrained, mode="frozen", pretrained=True, settings=FINETUNE, seed=0, folder=folder
    )
    return folder / FILE


def test_round_trip_gives_identical_scores(fitted: Path, data: Dataset, tmp_path: Path):
    model = load_model(fitted)
    again = load_model(model.save(tmp_path))
    rows = np.arange(len(data))
    assert np.array_equal(model.score(data, rows), again.score(data, rows))
    assert again.preprocessing == model.preprocessing
    assert again.encoder.settings == model.encoder.settings


def test_a_unit_has_one_score_in_whatever_company(fitted: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch):
    model, rows = load_model(fitted), np.arange(len(data))
    together = model.score(data, rows)
    alone = np.concatenate([model.score(data, rows[place : place + 1]) for place in rows])
    np.testing.assert_allclose(alone, together, atol=1e-6)
    monkeypatch.setattr("semeia.learning.model.BATCH", 7)
    np.testing.assert_allclose(model.score(data, rows), together, atol=1e-6)


@pytest.mark.parametrize("hide", ["image", "reading"])
def test_hiding_a_modality_is_an_archive_without_it(fitted: Path, data: Dataset, hide: str):
    model, rows = load_model(fitted), np.arange(len(data))
    nothing = Arrays(np.zeros((0, 0), np.float32), np.zeros((0, 0), bool))
    none = Observed(nothing, np.full((len(data), 1), -1), np.zeros((len(data), 1), np.float32))
    without = replace(data, observations=data.observations | {hide: none})
    hidden = model.score(data, rows, hide=(hide,))
    assert np.array_equal(hidden, model.score(without, rows))
    assert not np.allclose(hidden, model.score(data, rows))


def test_data_prepared_otherwise_are_refused(fitted: Path, data: Dataset):
    model = load_model(fitted)
    other = replace(data.modalities["image"], crop=CropSettings(voxels=(16, 16, 16), patch=(4, 2, 2)))
    with pytest.raises(InputError, match="the model reads volumes"):
        model.score(with_modalities(data, image=other), np.arange(3))
    reading = data.observations["reading"]
    names = tuple(f"other {name}" for name in reading.arrays.names)
    renamed = replace(reading, arrays=replace(reading.arrays, names=names))
    with pytest.raises(InputError, match="the data have none of these"):
        model.score(replace(data, observations=data.observations | {"reading": renamed}), np.arange(3))


def test_a_pretrained_model_cannot_score(pretrained: Model, data: Dataset):
    with pytest.raises(InputError, match="only pretrained"):
        pretrained.score(data, np.arange(3))


def rewritten(path: Path, target: Path, change) -> Path:
    """A copy whose description or tensors were changed."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["about"])
    tensors = load_file(path)
    change(tensors, about)
    save_file(tensors, target, {"semeia": "1", "about": json.dumps(about)})
    return target


def _edit(*path: str, value: object):
    """A change of one value of the description."""

    def change(tensors: dict, about: dict) -> None:
        for name in path[:-1]:
            about = about[name]
        about[path[-1]] = value

    return change


HUGE = 100_000
IMAGE, READING = ("preprocessing", "modalities", "image"), ("preprocessing", "modalities", "reading")
SCALE = {"items": list("abcdefghij"), "mean": [0.0] * 10, "sd": [1.0] * 10}
CHANGES = {
    "a million wide": (_edit("encoder", "dim", value=10**6), "do not fit"),
    "no heads": (_edit("encoder", "heads", value=0), "encoder: heads is 0"),
    "ten million deep": (_edit("encoder", "depth", value=10**7), "depth is 10000000"),
    "less than nothing deep": (_edit("encoder", "depth", value=-1), "depth is -1"),
    "a crop of a petabyte": (_edit(*IMAGE, "crop", "voxels", value=[HUGE] * 3), "more than 268435456 values"),
    "patches of nothing": (_edit(*IMAGE, "crop", "patch", value=[0, 0, 0]), "must be above 0"),
    "a hidden layer of terabytes": (_edit("encoder", "mlp_ratio", value=1e9), "do not fit"),
    "classes": (_edit("task", value={"kind": "nominal", "classes": 10**9}), "do not fit"),
    "cells": (_edit("cells", value=[HUGE] * 3), "cells"),
    "null for settings": (_edit("encoder", value=None), "about.encoder must be an object"),
    "a list for settings": (_edit("encoder", value=[]), "about.encoder must be an object"),
    "no modality": (_edit("preprocessing", "modalities", value={}), "modalities names nothing"),
    "a list of modalities": (_edit("preprocessing", "modalities", value=["sound"]), "modalities must be an object"),
    "no type": (_edit(*IMAGE, "type", value=None), "type must be one of"),
    "a mean too few": (_edit(*READING, "fitted", "mean", value=[]), "differ in length"),
    "an item more": (_edit(*READING, "fitted", value=SCALE), "do not fit"),
    "nothing fitted": (_edit(*READING, "fitted", value=None), "nothing has been fitted"),
    "a crop of more voxels": (_edit(*IMAGE, "crop", "voxels", value=[16, 16, 32]), "rings need a square plane"),
    "another network": (_edit(*IMAGE, "network", value="conv"), "do not fit|conv halves"),
    "shape": (lambda t, a: t.update({"head.linear.weight": torch.zeros(1, 3)}), "do not fit"),
    "type": (lambda t, a: t.update({"head.linear.bias": torch.zeros(1, dtype=torch.float64)}), "do not fit"),
    "missing": (lambda t, a: t.pop("head.linear.bias"), "do not fit"),
    "extra": (lambda t, a: t.update({"encoder.more": torch.zeros(1)}), "do not fit"),
    "wider": (lambda t, a: a["encoder"].update(dim=24), "do not fit"),
    "kind": (lambda t, a: a.update(kind="baseline"), "holds a baseline model"),
    "no settings": (lambda t, a: a.pop("encoder"), "does not fit this version"),
    "no patients": (lambda t, a: a["preprocessing"].pop("fitted_on"), "fitted_on is missing"),
    "an unknown modality": (
        lambda t, a: a["preprocessing"]["modalities"]["image"].update(type="hologram"),
        "type must be one of",
    ),
    "from the future": (lambda t, a: a["encoder"].update(novelty=1), "has no field 'novelty'"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_does_not_fit_is_refused_by_name(fitted: Path, tmp_path: Path, change: str):
    spoil, words = CHANGES[change]
    path = rewritten(fitted, tmp_path / FILE, spoil)
    with pytest.raises(InputError, match=rf"{FILE}: .*{words}"):
        load_model(path)
