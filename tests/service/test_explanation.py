"""A contribution is what the answer loses without the thing: asked of the service once with it, and once without."""

import base64
import copy
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semeia.archive.atomic import write_json
from semeia.data.dataset import array_dataset
from semeia.data.fingerprint import Fingerprint
from semeia.data.modalities import Picture, Table, Vector
from semeia.encoders.patient import EncoderSettings
from semeia.errors import InputError
from semeia.learning.columns import Columns
from semeia.learning.finetune import finetune, fresh_model
from semeia.learning.linear import LinearModel
from semeia.objectives.task import Task
from semeia.service.served import Served, load_served
from small_training import FINETUNE, FLAT

ROWS = np.arange(24)
PIXELS = np.random.default_rng(0).integers(0, 256, (24, 16, 16), dtype=np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of three classes that reads a picture, items and a vector; a linear model of a covariate."""
    folder, rng = tmp_path_factory.mktemp("run"), np.random.default_rng(1)
    labels = (ROWS % 3).astype(float)
    items = np.stack([labels, rng.normal(size=24)], 1)
    made = {
        "image": (Picture(crop=FLAT, values=("display",)), PIXELS),
        "reading": (Table(), items),
        "vector": (Vector(), rng.normal(size=(24, 3))),
    }
    data = array_dataset(made)
    start = fresh_model(data, ROWS, modalities=tuple(made), settings=EncoderSettings(dim=16, depth=1, heads=2), seed=0)
    cell = folder / "cells/network/finetune/1/seed-0"
    finetune(data, ROWS, labels, start=start, mode="finetune", settings=FINETUNE, folder=cell, task=Task("nominal", 3))
    one = np.ones(1)
    cell = folder / "cells/age/none/1/seed-0"
    cell.mkdir(parents=True)
    linear = LinearModel(("age",), one[:, None], -one, one, 0 * one, 9 * one, Fingerprint(()), Columns(("age",)))
    linear.save(cell)
    write_json(folder / "run.json", {"kind": "export", "config": {"outcome": "grade"}})
    return folder


@pytest.fixture(scope="module")
def served(run: Path) -> Served:
    return load_served(run, arm="network", mode=None, fraction=None)


def body() -> dict:
    file = io.BytesIO()
    Image.fromarray(PIXELS[5]).save(file, "PNG")
    image = {"file": base64.b64encode(file.getvalue()).decode()}
    reading = [{"items": {"item0": 1.0, "item1": -0.5}}, {"items": {"item0": 0, "item1": None}, "months": 6}]
    return {"observations": {"image": image, "reading": reading, "vector": {"values": [0.1, 2, -1]}}}


def expected_class(served: Served, asked: dict) -> float:
    chances = served.predict({**asked, "explain": False})["probabilities"]
    assert sum(chances) == pytest.approx(1)  # pyright: ignore
    return float(np.dot(chances, range(3)))  # pyright: ignore


def test_a_contribution_is_what_is_lost_without(served: Served):
    answer, whole = served.predict(body()), expected_class(served, body())
    for name in ("image", "reading", "vector"):
        less = body()
        del less["observations"][name]
        lost = whole - expected_class(served, less)
        assert answer["contributions"][name] == pytest.approx(lost, abs=1e-6)
    for item in ("item0", "item1"):
        less = copy.deepcopy(body())
        less["observations"]["reading"][0]["items"][item] = None
        lost = whole - expected_class(served, less)
        assert answer["items"]["reading"][item] == pytest.approx(lost, abs=1e-6)
    assert abs(answer["items"]["reading"]["item0"]) > 1e-4
    assert list(answer["saliency"]) == ["image"]


def test_a_linear_model_reads_covariates(run: Path):
    served = load_served(run, arm="age", mode=None, fraction=None)
    assert served.about()["covariates"] == ["age"]
    answer = served.predict({"covariates": {"age": 3}})
    assert answer["probability"] == pytest.approx(1 / (1 + np.exp(-2)))
    assert answer["saliency_missing"] == "maps are of networks; this model is none"
    with pytest.raises(InputError, match="no column age"):
        served.predict({"covariates": {"sex": "F"}})
    with pytest.raises(InputError, match="embeddings are of networks"):
        served.embed({"covariates": {"age": 3}})


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("vector", {"values": [1, 2]}, "vector.values: the model reads 1 x 3 numbers"),
        ("vector", {"values": ["x"]}, "vector.values: must be a list of numbers"),
        ("vector", {"values": [[1], [1, 2]]}, "vector.values: must be a list of numbers"),
        ("reading", {"items": {"age": 1}}, "reading.items: there is no 'age'; there are item0, item1"),
        ("reading", {"items": {"item0": True}}, "reading.items.item0: must be a number or null"),
        ("reading", [{"items": {}, "months": 3}, {"items": {}}], "put the newest observation first"),
    ],
)
def test_what_does_not_fit_is_refused(served: Served, name: str, wrong: object, words: str):
    asked = body()
    asked["observations"][name] = wrong
    with pytest.raises(InputError, match=words.replace("[", r"\[")):
        served.predict(asked)


def test_one_model_must_be_named(run: Path):
    with pytest.raises(InputError, match="several models fit"):
        load_served(run, arm=None, mode=None, fraction=None)
