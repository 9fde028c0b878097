"""A contribution is what the answer loses without the thing: asked of the service once with it, and once without."""

import base64
import copy
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semeia.archive.atomic import write_json
from semeia.archive.store import open_archive
from semeia.data.dataset import Dataset, Observed, array_dataset, open_dataset
from semeia.data.fingerprint import Fingerprint
from semeia.data.modalities import Picture, Signatures, Table, Vector
from semeia.data.modalities.vector import VectorScale
from semeia.data.modality import Arrays
from semeia.encoders.patient import EncoderSettings
from semeia.errors import InputError
from semeia.learning.columns import Columns
from semeia.learning.finetune import finetune, fresh_model
from semeia.learning.linear import LinearModel
from semeia.objectives.task import Task
from semeia.service.explanation import of_items, of_modalities
from semeia.service.served import Served, load_served
from semeia.service.unit import read_unit
from small_training import FINETUNE, FLAT, MODEL, nodule_archive

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


def test_the_contribution_of_a_signature_is_that_beyond_its_mean():
    modality = Signatures(fitted=VectorScale((1.0, 2.0, 3.0), (1.0, 1.0, 1.0), 1), model="x")
    values = np.array([[[5.0, 2.0, 0.0]]], np.float32)
    nothing = Arrays(np.empty((0, 1)), np.empty((0, 1), bool))
    observations = {
        "signatures": Observed(modality.arrays(values), np.zeros((1, 1), int), np.zeros((1, 1), np.float32)),
        "reading": Observed(nothing, np.full((1, 1), -1), np.zeros((1, 1), np.float32)),
    }
    units = array_dataset({"x": (Vector(), np.zeros((1, 1)))}).units
    data = Dataset(units, {"signatures": modality, "reading": Table()}, observations)
    weight = np.array([0.1, 0.5, -0.2])

    def score(units: Dataset, hide: tuple[str, ...]) -> np.ndarray:
        observed = units.observations["signatures"]
        return observed.arrays.values[observed.slot[:, 0], 0] @ weight

    shares = of_items(data, score, {"signatures": ("s001", "s002", "s003")})["signatures"]
    assert shares == pytest.approx({"s003": 0.6, "s001": 0.4, "s002": 0.0}, abs=1e-6)
    assert list(shares) == ["s003", "s001", "s002"]  # the largest first
    assert of_modalities(data, lambda units, hide: score(units, hide)) == {"signatures": None}


def test_a_crop_is_read_as_its_archive_reads_it(tmp_path: Path):
    """Headers of these crops say RAS, their voxels lie as LPS; `ingest nodules` knows, a request says so."""
    archive = open_archive(nodule_archive(tmp_path, 2))
    modalities = MODEL.modalities_of(archive)
    data = open_dataset(archive, modalities)
    read = {name: data.modalities[name] for name in ("image",)}
    kept = data.observations["image"].arrays
    for row, path in enumerate(sorted((tmp_path / "files").rglob("*_img8.nii.gz"))):
        file = base64.b64encode(path.read_bytes()).decode()
        unit = read_unit({"observations": {"image": {"file": file, "kind": "img8", "axes": "LPS"}}}, read)
        seen = unit.observations["image"]
        place = data.observations["image"].sha256.index(seen.sha256[0])
        assert np.array_equal(seen.arrays.values[0], kept.values[place]), row
        assert np.array_equal(seen.arrays.mask[0], kept.mask[place])
        assert seen.looks[0] == data.observations["image"].looks[place]


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
