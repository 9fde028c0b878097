"""What is written as ONNX says what torch says, for any number of units, and with a modality missing."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from semeia.data.batch import Batch
from semeia.data.fingerprint import Fingerprint
from semeia.errors import InputError
from semeia.learning import onnx_file
from semeia.learning.linear import LinearModel
from semeia.learning.model import FILE, load_model
from semeia.learning.onnx_file import drawn, write_linear, write_network

onnxruntime = pytest.importorskip("onnxruntime")


def linear(columns: int = 4, outputs: int = 1) -> LinearModel:
    rng = np.random.default_rng(3)
    return LinearModel(
        columns=tuple("abcd"[:columns]),
        weight=rng.normal(size=(columns, outputs)),
        bias=rng.normal(size=outputs),
        fill=rng.normal(size=columns),
        low=np.full(columns, -1.0),
        high=np.array([1.0] * (columns - 1) + [np.inf]),
        fitted_on=Fingerprint(()),
    )


def test_a_network_says_the_same_with_any_number_of_units_and_visits(run: Path, tmp_path: Path):
    model = load_model(run / "cells/multimodal_jepa/frozen/1/seed-0" / FILE)
    assert model.head is not None
    torch.nn.init.normal_(model.head.linear.weight, std=0.1, generator=torch.Generator().manual_seed(0))
    checked = write_network(model, tmp_path / "model.onnx")
    assert checked.difference < 1e-5
    assert checked.cases == 8  # two sizes: two numbers of visits, and two modalities missing
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    for units, visits in ((1, 1), (5, 3)):
        seen = drawn(model.preprocessing.modalities, units=units, visits=visits, seed=7)
        seen["reading"] = seen["reading"].hidden(torch.arange(units) == 0)
        inputs = {
            name + suffix: value.numpy()
            for name, one in seen.items()
            for suffix, value in (("", one.values), ("_present", one.present), ("_when", one.when))
        }
        inputs["reading"][0] = np.nan  # what is not there is not read
        chance, embedding = session.run(None, inputs)
        with torch.no_grad():
            pooled, there = model.encoder.pool(model.encoder(Batch(seen)))
            expected = model.head.task.probabilities(model.head(pooled, there).double())
        assert np.abs(chance - expected.numpy()).max() < 1e-5  # sums of float32 in another order
        assert np.abs(embedding - pooled.numpy())[there.numpy()].max() < 1e-4
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["modalities"])["image"]["crop"]["voxels"] == [16, 16, 16]
    assert json.loads(about["task"]) == {"kind": "binary", "classes": 2, "weights": []}
    raw = (tmp_path / "model.onnx").read_bytes()
    assert not [mark for mark in model.preprocessing.fitted_on.patients if mark.encode() in raw]


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_linear_model_says_the_same_where_columns_are_missing(outputs: int, tmp_path: Path):
    model = linear(outputs=outputs)
    assert write_linear(model, tmp_path / "linear.onnx").difference < 1e-12
    session = onnxruntime.InferenceSession(str(tmp_path / "linear.onnx"), providers=["CPUExecutionProvider"])
    columns = np.array([[np.nan, 9.0, -9.0, 1e3], [0.1, np.nan, np.nan, np.nan]])
    (chance,) = session.run(None, {"columns": columns})
    expected = model.score_columns(columns)
    assert np.allclose(chance[:, 1] if outputs == 1 else chance, expected, rtol=0, atol=1e-12)
    assert np.allclose(chance.sum(1), 1)


def test_what_differs_from_torch_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(onnx_file, "TOLERANCE", -1.0)
    with pytest.raises(InputError, match="onnxruntime differs from torch by"):
        write_linear(linear(), tmp_path / "linear.onnx")
    assert not list(tmp_path.iterdir())
