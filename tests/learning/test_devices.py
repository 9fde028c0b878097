"""Precision is bf16 only where the hardware multiplies it and layers are wide; what the user says is taken as it is."""

import pytest
import torch

from semeia.learning.devices import WIDE, autocast, pick_device, pick_precision

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize("there", [True, False])
def test_auto_asks_the_hardware(monkeypatch: pytest.MonkeyPatch, there: bool):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: there)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: there, raising=False)
    expected = "bf16" if there else "fp32"
    assert pick_device().type == ("cuda" if there else "cpu")
    assert pick_precision("auto", CPU, width=WIDE) == pick_precision("auto", GPU, width=64) == expected
    assert pick_precision("auto", CPU, width=WIDE - 8) == "fp32"
    assert pick_precision("bf16", CPU, width=64) == "bf16"
    assert pick_precision("fp32", GPU, width=WIDE) == "fp32"
    assert pick_device("cpu") == CPU


def test_a_torch_that_cannot_tell_is_taken_for_one_without(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported", raising=False)
    assert pick_precision("auto", CPU, width=WIDE) == "fp32"


@pytest.mark.parametrize(("precision", "kind"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_autocast(precision: str, kind: torch.dtype):
    with autocast(CPU, precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == kind
