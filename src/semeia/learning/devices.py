"""Which device, which precision, how many threads; decided once, recorded in the checkpoint."""

import re
from typing import Literal

import torch

from semeia.errors import InputError

Precision = Literal["auto", "fp32", "bf16"]
WIDE = 256  # dimensions from which on bf16 is the faster of the two on a CPU


def pick_device(name: str = "auto") -> torch.device:
    """ "auto" is the first GPU there is, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def require_device(name: str) -> None:
    """Refuse a device that this machine has not."""
    match = re.fullmatch(r"auto|cpu|cuda(?::(\d+))?", name)
    if match is None:
        raise InputError(f"loop: device is '{name}'; there are auto, cpu, cuda, and cuda:1 and so on of several GPUs")
    if not name.startswith("cuda"):
        return
    if not torch.cuda.is_available():
        why = "this PyTorch was built without CUDA" if torch.version.cuda is None else "PyTorch finds no GPU"
        raise InputError(f"loop: device is {name}, and there is no GPU here ({why}); use cpu or auto")
    if int(match[1] or 0) >= torch.cuda.device_count():
        raise InputError(f"loop: device is {name}; the GPUs here are cuda:0 to cuda:{torch.cuda.device_count() - 1}")


def require_devices(count: int, name: str) -> None:
    """Refuse fewer processes than one, and more than there are GPUs where they would compute on GPUs."""
    if count < 1:
        raise InputError(f"devices is {count}; it must be 1 or more")
    if pick_device(name).type == "cuda" and count > torch.cuda.device_count():
        raise InputError(f"devices is {count}; there are {torch.cuda.device_count()} GPUs here")


def pick_precision(precision: Precision, device: torch.device, *, width: int) -> Literal["fp32", "bf16"]:
    """Take bf16 for "auto" where it pays: a GPU that has it; a CPU that has it, and layers wide enough.

    On a CPU narrow layers lose more by converting than they gain (`benchmarks/pretraining.py` prints both by width).
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    native = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return "bf16" if width >= WIDE and native() else "fp32"


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context of a forward pass."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
