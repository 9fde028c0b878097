"""Settings to JSON and back: frozen dataclasses of numbers, words, tuples and other such dataclasses."""

import dataclasses
import types
from typing import TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_plain(settings: object) -> dict:
    """Nested dictionaries of plain values."""
    return dataclasses.asdict(settings)  # pyright: ignore[reportArgumentType]


def from_plain(kind: type[T], plain: dict) -> T:
    """The inverse of `to_plain`, after JSON, which knows no tuples. Absent names take their defaults."""
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints[name], value) for name, value in plain.items()})


def _value(hint: object, value: object) -> object:
    if get_origin(hint) in (Union, types.UnionType):
        options = [option for option in get_args(hint) if option is not type(None)]
        return None if value is None else _value(options[0], value)
    if isinstance(value, dict) and dataclasses.is_dataclass(hint):
        return from_plain(hint, value)  # pyright: ignore[reportArgumentType]
    if isinstance(value, list):
        return tuple(value)
    return value
