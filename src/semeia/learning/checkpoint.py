"""Checkpoints: tensors and a description in one safetensors file, written atomically; nothing in it can run code.

A training checkpoint holds weights, moving averages and the optimiser's state. Random state is not in it: it is a pure
function of (seed, step). A file cut short, of another shape or of another configuration is refused.
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from semeia.archive.atomic import write_bytes
from semeia.errors import InputError

FORMAT = "1"
Tensors = dict[str, torch.Tensor]


def save_tensors(path: Path, tensors: Tensors, about: dict[str, object]) -> None:
    """Writes tensors and a JSON description in one file."""
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_bytes(path, save(plain, {"semeia": FORMAT, "about": json.dumps(about)}))


def load_tensors(path: Path) -> tuple[Tensors, dict]:
    """Reads what `save_tensors` wrote."""
    if not path.exists():
        raise InputError(f"{path}: no such checkpoint")
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            if header.get("semeia") != FORMAT:
                raise InputError(f"{path}: not a semeia checkpoint of format {FORMAT}")
            about = json.loads(header.get("about", "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: damaged checkpoint ({error})") from error
    if not isinstance(about, dict):
        raise InputError(f"{path}: damaged checkpoint (it does not say what it holds)")
    return tensors, about


def load_into(module: torch.nn.Module, tensors: Tensors, *, path: Path, prefix: str = "") -> None:
    """Copies tensors into a module; every name, shape and type must agree."""
    wanted = module.state_dict()
    given = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    wrong = sorted(wanted.keys() ^ given.keys())
    wrong += [name for name in wanted if name in given and not _alike(wanted[name], given[name])]
    if wrong:
        raise InputError(f"{path}: {len(wrong)} tensors do not fit the model, the first is {wrong[0]}")
    module.load_state_dict(given)


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> Tensors:
    """The state of an optimiser, flat: `optimiser.<parameter>.<name>`."""
    state = optimiser.state_dict()["state"]
    return {
        f"optimiser.{index}.{name}": value if isinstance(value, torch.Tensor) else torch.tensor(value)
        for index, entry in state.items()
        for name, value in entry.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Tensors, *, path: Path) -> None:
    """The inverse of `optimiser_tensors`; groups keep the settings they were built with."""
    parameters = {str(i): p for i, p in enumerate(p for group in optimiser.param_groups for p in group["params"])}
    state: dict[int, Tensors] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, index, key = name.split(".", 2)
            if index not in parameters or (value.ndim and not _alike(value, parameters[index])):
                raise InputError(f"{path}: {name} does not fit the optimiser")
            state.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype


def require_same_settings(before: dict, now: dict, *, path: Path, but: tuple[str, ...] = ()) -> None:
    """Refuses to go on with other settings, and names those that differ; `but` may: the ends of dotted names."""
    before, now = _flat(before), _flat(now)
    differ = [name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)]
    differ = [name for name in differ if not any(f".{name}".endswith(f".{end}") for end in but)]
    if differ:
        parts = "; ".join(f"{name}: {before.get(name)} then, {now.get(name)} now" for name in differ)
        raise InputError(f"{path} was begun with other settings ({parts}); use another folder, or delete it")


def _flat(nested: dict, prefix: str = "") -> dict[str, object]:
    """`{"a": {"b": 1}}` as `{"a.b": 1}`, so that a difference has one name."""
    flat: dict[str, object] = {}
    for name, value in nested.items():
        inner = isinstance(value, dict) and value
        flat |= _flat(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
    return flat
