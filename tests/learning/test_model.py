"""A stored model is the same model; what it hides does not exist for it; what does not fit is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from semeia.errors import InputError
from semeia.learning.finetune import finetune
from semeia.learning.model import FILE, Model, load_model
from semeia.views.crops import CropSettings
from semeia.views.dataset import PatientData
from small_training import FINETUNE


@pytest.fixture(scope="module")
def fitted(
    pretrained: Model,
    data: PatientData,
    training: tuple[np.ndarray, np.ndarray],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    rows, labels = training
    folder = tmp_path_factory.mktemp("fitted")
    finetune(
        data, rows, labels, start=pretrained, mode="frozen", pretrained=True, settings=FINETUNE, seed=0, folder=folder
    )
    return folder / FILE


def test_round_trip_gives_identical_scores(fitted: Path, data: PatientData, tmp_path: Path):
    model = load_model(fitted)
    again = load_model(model.save(tmp_path))
    rows = np.arange(len(data))
    assert np.array_equal(model.score(data, rows), again.score(data, rows))
    assert again.preprocessing == model.preprocessing
    assert again.settings == model.settings


def test_a_unit_has_one_score_in_whatever_company(fitted: Path, data: PatientData, monkeypatch: pytest.MonkeyPatch):
    model, rows = load_model(fitted), np.arange(len(data))
    together = model.score(data, rows)
    alone = np.concatenate([model.score(data, rows[place : place + 1]) for place in rows])
    np.testing.assert_allclose(alone, together, atol=1e-6)
    monkeypatch.setattr("semeia.learning.model.BATCH", 7)
    np.testing.assert_allclose(model.score(data, rows), together, atol=1e-6)


@pytest.mark.parametrize("hide", ["image", "reading"])
def test_hiding_a_modality_is_an_archive_without_it(fitted: Path, data: PatientData, hide: str):
    model, rows = load_model(fitted), np.arange(len(data))
    if hide == "image":
        rng = np.random.default_rng(0)
        junk = rng.integers(0, 256, data.voxels.shape, dtype=np.uint8)
        without = replace(data, covered=np.zeros_like(data.covered), voxels=junk)
    else:
        without = replace(data, readings=np.zeros((len(data), 0), np.float32), items=())
    hidden = model.score(data, rows, hide=(hide,))
    assert np.array_equal(hidden, model.score(without, rows))
    assert not np.allclose(hidden, model.score(data, rows))


def test_data_prepared_otherwise_are_refused(fitted: Path, data: PatientData):
    model = load_model(fitted)
    with pytest.raises(InputError, match="trained on crops"):
        model.score(replace(data, crop=CropSettings(voxels=(16, 16, 16), patch=(4, 2, 2))), np.arange(3))
    with pytest.raises(InputError, match="readings have none of these"):
        model.score(replace(data, items=tuple(f"other {name}" for name in data.items)), np.arange(3))


def test_a_pretrained_model_cannot_score(pretrained: Model, data: PatientData):
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
CHANGES = {
    "a million wide": (_edit("settings", "encoder", "dim", value=10**6), "do not fit"),
    "no heads": (_edit("settings", "encoder", "heads", value=0), "settings.encoder"),
    "ten million deep": (_edit("settings", "encoder", "depth", value=10**7), "depth is 10000000"),
    "less than nothing deep": (_edit("settings", "encoder", "depth", value=-1), "depth is -1"),
    "a crop of a petabyte": (_edit("settings", "crop", "voxels", value=[HUGE] * 3), "more than 268435456 voxels"),
    "patches of nothing": (_edit("settings", "crop", "patch", value=[0, 0, 0]), "must be above 0"),
    "a hidden layer of terabytes": (_edit("settings", "encoder", "mlp_ratio", value=1e9), "do not fit"),
    "classes": (_edit("task", value={"kind": "nominal", "classes": 10**9}), "do not fit"),
    "cells": (_edit("cells", value=[HUGE] * 3), "cells"),
    "null for settings": (_edit("settings", value=None), "about.settings must be an object"),
    "a list for settings": (_edit("settings", value=[]), "about.settings must be an object"),
    "no modality": (_edit("preprocessing", "modalities", value=[]), "modalities"),
    "an unknown modality": (_edit("preprocessing", "modalities", value=["sound"]), "modalities"),
    "a mean too few": (_edit("preprocessing", "item_mean", value=[]), "differ in length"),
    "shape": (lambda t, a: t.update({"head.linear.weight": torch.zeros(1, 3)}), "do not fit"),
    "type": (lambda t, a: t.update({"head.linear.bias": torch.zeros(1, dtype=torch.float64)}), "do not fit"),
    "missing": (lambda t, a: t.pop("head.linear.bias"), "do not fit"),
    "extra": (lambda t, a: t.update({"encoder.more": torch.zeros(1)}), "do not fit"),
    "wider": (lambda t, a: a["settings"]["encoder"].update(dim=24), "do not fit"),
    "kind": (lambda t, a: a.update(kind="baseline"), "holds a baseline model"),
    "no settings": (lambda t, a: a.pop("settings"), "does not fit this version"),
    "no patients": (lambda t, a: a["preprocessing"].pop("fitted_on"), "does not fit this version"),
    "from the future": (lambda t, a: a["settings"].update(novelty=1), "does not fit this version"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_does_not_fit_is_refused_by_name(fitted: Path, tmp_path: Path, change: str):
    spoil, words = CHANGES[change]
    path = rewritten(fitted, tmp_path / FILE, spoil)
    with pytest.raises(InputError, match=rf"{FILE}: .*{words}"):
        load_model(path)
