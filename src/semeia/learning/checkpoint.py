"""Checkpoints: tensors and a description in one safetensors file, written atomically; nothing in it can run code.

A training checkpoint holds weights, moving averages and the optimiser's state. Random state is not in it: it is a pure
function of (seed, step). A file cut short, of another shape or of another configuration is refused. Equal tensors and
equal descriptions make equal bytes.
"""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from semeia.archive.atomic import write_bytes
from semeia.archive.small_file import parse_json, require_regular
from semeia.errors import InputError
from semeia.settings_json import from_plain, known_fields
from semeia.sharding import part_of, whole

FORMAT = "1"
MOST_VOXELS = 2**28  # of one crop that a model reads; a gigabyte as numbers
Tensors = dict[str, torch.Tensor]


def save_tensors(path: Path, tensors: Tensors, about: dict[str, object]) -> None:
    """Writes tensors and a JSON description in one file."""
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_bytes(path, _ordered(save(plain, {"semeia": FORMAT, "about": json.dumps(about)})))


def _ordered(data: bytes) -> bytes:
    """A safetensors file with its metadata in the order of their names: the library's own changes from save to save."""
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header = {"__metadata__": dict(sorted(header.pop("__metadata__").items())), **header}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the format asks for tensors that start at a multiple of 8
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def load_tensors(path: Path) -> tuple[Tensors, dict]:
    """Reads what `save_tensors` wrote."""
    if not path.exists():
        raise InputError(f"{path}: no such checkpoint")
    require_regular(path)
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            if header.get("semeia") != FORMAT:
                raise InputError(f"{path}: not a semeia checkpoint of format {FORMAT}")
            about = parse_json(header.get("about", "null"), where=f"{path}: damaged checkpoint")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: damaged checkpoint ({error})") from error
    if not isinstance(about, dict):
        raise InputError(f"{path}: damaged checkpoint (it does not say what it holds)")
    return tensors, about


def load_kind(path: Path, kind: str, *, called: str) -> tuple[Tensors, dict]:
    """Read a checkpoint whose description must name `kind`, in messages `called` such as "a network"."""
    tensors, about = load_tensors(path)
    if about.get("kind") != kind:
        raise InputError(f"{path}: holds a {about.get('kind')} model, not {called}")
    return tensors, about


Described = TypeVar("Described")
Built = TypeVar("Built", bound=torch.nn.Module)


def load_described(
    path: Path,
    kind: str,
    manifest: type[Described],
    *,
    called: str,
    check: Callable[[Described, Tensors], None] = lambda manifest, tensors: None,
) -> tuple[Tensors, Described]:
    """Read a checkpoint of a kind, as `load_kind`, with its description as a dataclass, which `check` may refuse."""
    tensors, about = load_kind(path, kind, called=called)
    try:
        described = from_plain(manifest, known_fields(manifest, about), where="about")
        check(described, tensors)
    except InputError as error:
        raise InputError(f"{path}: its description does not fit this version of Semeia ({error})") from error
    return tensors, described


def built_to_fit(build: Callable[[], Built], tensors: Tensors, *, path: Path, prefix: str = "") -> Built:
    """Builds a module that a file describes and loads the file's tensors into it.

    It is first built without memory and held against the tensors: a description that was edited, by which a network
    would be wider or deeper than its tensors are, is refused before it costs anything.

    Args:
        prefix: which of the tensors are the module's.
    """
    try:
        with torch.device("meta"):
            outline = build()
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (ValueError, TypeError, ArithmeticError, RuntimeError, MemoryError) as error:
        raise InputError(f"{path}: no network can be built by its description; restore the file") from error
    require_fit(outline, tensors, path=path, prefix=prefix)
    module = build()
    load_into(module, tensors, path=path, prefix=prefix)
    return module


def load_into(module: torch.nn.Module, tensors: Tensors, *, path: Path, prefix: str = "") -> None:
    """Copies tensors into a module; every name, shape and type must agree."""
    module.load_state_dict(require_fit(module, tensors, path=path, prefix=prefix))


def require_fit(module: torch.nn.Module, tensors: Tensors, *, path: Path, prefix: str = "") -> Tensors:
    """The tensors under a prefix, as a module names them; refuses those that do not fit it."""
    wanted = module.state_dict()
    given = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    wrong = sorted(wanted.keys() ^ given.keys())
    wrong += [name for name in wanted if name in given and not _alike(wanted[name], given[name])]
    if wrong:
        raise InputError(f"{path}: {len(wrong)} tensors do not fit the model, the first is {wrong[0]}")
    return given


def arrays_of(tensors: Tensors, shapes: dict[str, tuple[str, ...]], *, path: Path) -> dict[str, np.ndarray]:
    """The arrays of a model that is no network: float64, with sides of equal name equally long.

    `shapes` has the names of the sides of each array, such as {"weight": ("columns", "outputs")}.
    """
    sides: dict[str, int] = {}
    for name, shape in shapes.items():
        value = tensors.get(name)
        if value is None or value.dtype != torch.float64 or value.ndim != len(shape):
            raise InputError(f"{path}: damaged: its tensor {name} is missing or of another shape")
        if any(sides.setdefault(side, length) != length for side, length in zip(shape, value.shape, strict=True)):
            raise InputError(f"{path}: damaged: its tensor {name} is missing or of another shape")
    return {name: tensors[name].numpy() for name in shapes}


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> Tensors:
    """The state of an optimiser, flat: `optimiser.<parameter>.<name>`."""
    state = optimiser.state_dict()["state"]
    return {
        f"optimiser.{index}.{name}": whole(value) if isinstance(value, torch.Tensor) else torch.tensor(value)
        for index, entry in state.items()
        for name, value in entry.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Tensors, *, path: Path) -> None:
    """The inverse of `optimiser_tensors`; groups keep the settings they were built with."""
    parameters = {str(i): p for i, p in enumerate(p for group in optimiser.param_groups for p in group["params"])}
    state: dict[int, Tensors] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            index, _, key = name.removeprefix("optimiser.").partition(".")
            if index not in parameters or not key or (value.ndim and not _alike(value, parameters[index])):
                raise InputError(f"{path}: {name} does not fit the optimiser")
            state.setdefault(int(index), {})[key] = part_of(value, parameters[index]) if value.ndim else value
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
