"""What is written comes back; what is damaged, of another shape or type, or not ours is refused by name."""

import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from semeia.errors import InputError
from semeia.learning.checkpoint import (
    load_into,
    load_tensors,
    optimiser_tensors,
    require_same_settings,
    restore_optimiser,
    save_tensors,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def test_round_trip(path: Path):
    tensors = {"a": torch.randn(3, 4), "b": torch.tensor(3), "c": torch.ones(2, dtype=torch.bfloat16)}
    save_tensors(path, tensors, {"kind": "network", "nested": {"n": [1, 2]}})
    found, about = load_tensors(path)
    assert about == {"kind": "network", "nested": {"n": [1, 2]}}
    assert all(torch.equal(found[name], value) and found[name].dtype == value.dtype for name, value in tensors.items())
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_equal_tensors_and_descriptions_make_equal_bytes(path: Path):
    tensors = {"a": torch.arange(3.0), "b": torch.arange(5), "c": torch.ones(1, dtype=torch.uint8)}
    written = set()
    for _ in range(20):  # the library's own order changes in about half of them
        save_tensors(path, tensors, {"kind": "network", "ä": 1})
        written.add(path.read_bytes())
    assert len(written) == 1
    header = json.loads(path.read_bytes()[8 : 8 + struct.unpack("<Q", path.read_bytes()[:8])[0]])
    assert list(header["__metadata__"]) == ["about", "semeia"]
    assert load_tensors(path)[1] == {"kind": "network", "ä": 1}


def test_views_of_one_tensor_are_stored_apart(path: Path):
    whole = torch.arange(12.0).reshape(3, 4)
    save_tensors(path, {"row": whole[0], "column": whole[:, 0]}, {})
    assert load_tensors(path)[0]["column"].tolist() == [0.0, 4.0, 8.0]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8])


def _cut_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


def _huge_header(path: Path) -> None:
    path.write_bytes(struct.pack("<Q", 2**60) + path.read_bytes()[8:])


def _pickle(path: Path) -> None:
    torch.save({"a": torch.ones(1)}, path)


def _stranger(path: Path) -> None:
    save_file({"a": torch.ones(1)}, path)


def _no_description(path: Path) -> None:
    save_file({"a": torch.ones(1)}, path, {"semeia": "1"})


def _no_json(path: Path) -> None:
    save_file({"a": torch.ones(1)}, path, {"semeia": "1", "about": "{"})


def _newer(path: Path) -> None:
    save_file({"a": torch.ones(1)}, path, {"semeia": "2", "about": "{}"})


@pytest.mark.parametrize(
    "damage", [_cut, _cut_header, _huge_header, _pickle, _stranger, _no_description, _no_json, _newer]
)
def test_what_is_damaged_or_not_ours_is_refused(path: Path, damage):
    save_tensors(path, {"a": torch.ones(100)}, {"kind": "network"})
    damage(path)
    with pytest.raises(InputError, match=r"model\.safetensors: (damaged|not a semeia checkpoint)"):
        load_tensors(path)


def test_nothing_there(path: Path):
    with pytest.raises(InputError, match="no such checkpoint"):
        load_tensors(path)


@pytest.mark.parametrize("change", ["shape", "type", "missing", "extra"])
def test_tensors_that_do_not_fit_a_module_are_refused_and_leave_it_alone(path: Path, change: str):
    module = nn.Linear(3, 2)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    tensors = {f"m.{name}": value + 1 for name, value in before.items()}
    if change == "shape":
        tensors["m.bias"] = torch.zeros(5)
    elif change == "type":
        tensors["m.bias"] = tensors["m.bias"].double()
    elif change == "missing":
        del tensors["m.bias"]
    else:
        tensors["m.bias_of_more"] = torch.zeros(2)
    with pytest.raises(InputError, match="1 tensors do not fit the model, the first is bias"):
        load_into(module, tensors, path=path, prefix="m.")
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def trained() -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    module = nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(module.parameters(), lr=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        module(torch.randn(4, 3)).square().sum().backward()
        optimiser.step()
    return module, optimiser


def test_an_optimiser_comes_back_to_the_bit(path: Path):
    module, optimiser = trained()
    save_tensors(path, optimiser_tensors(optimiser), {})
    fresh = torch.optim.AdamW(module.parameters(), lr=0.1)
    restore_optimiser(fresh, load_tensors(path)[0], path=path)
    then, now = optimiser.state_dict()["state"], fresh.state_dict()["state"]
    assert then.keys() == now.keys()
    assert all(torch.equal(then[i][name], now[i][name]) for i in then for name in then[i])


def test_an_optimiser_of_another_network_is_refused(path: Path):
    _, optimiser = trained()
    tensors = optimiser_tensors(optimiser)
    for other in (nn.Linear(3, 1), nn.Linear(3, 2, bias=False)):
        with pytest.raises(InputError, match=r"optimiser\.\d\.exp_avg.* does not fit"):
            restore_optimiser(torch.optim.AdamW(other.parameters()), dict(reversed(tensors.items())), path=path)


def test_settings_that_differ_are_named_one_by_one(path: Path):
    before = json.loads('{"a": 1, "b": {"c": [1, 2], "d": {"e": 0.5}}, "gone": 3}')
    now = {"a": 1, "b": {"c": [1, 3], "d": {"e": 0.25}}}
    require_same_settings(before, before, path=path)
    with pytest.raises(InputError) as refused:
        require_same_settings(before, now, path=path)
    words = str(refused.value)
    assert "(b.c: [1, 2] then, [1, 3] now; b.d.e: 0.5 then, 0.25 now; gone: 3 then, None now)" in words
