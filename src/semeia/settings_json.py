"""Settings to JSON and back: frozen dataclasses of numbers, words, tuples and other such dataclasses.

What is read back may have been edited: every value is held against the type that its field declares, and an error names
the field.
"""

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from semeia.errors import InputError

T = TypeVar("T")
PLAIN = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", type(None): "null"}


def to_plain(settings: object) -> dict:
    """Nested dictionaries of plain values."""
    return dataclasses.asdict(settings)  # pyright: ignore[reportArgumentType]


def from_plain(kind: type[T], plain: object, *, where: str = "") -> T:
    """The inverse of `to_plain`, after JSON, which knows no tuples. Absent names take their defaults.

    Args:
        kind: a dataclass.
        plain: what was read.
        where: what it is called in messages; by default the name of the dataclass.

    Raises:
        InputError: a field is unknown, missing or of another type, or the dataclass refuses its value; named by its
            path, as in "settings.encoder.dim".
    """
    where = where or kind.__name__
    if not isinstance(plain, Mapping):
        raise InputError(f"{where} must be an object (names with values), not {_word(plain)}")
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}  # pyright: ignore[reportArgumentType]
    if unknown := [name for name in plain if name not in fields]:
        raise InputError(f"{where} has no field '{str(unknown[0])[:40]}'; there are {', '.join(fields)}")
    absent = [
        name
        for name, field in fields.items()
        if name not in plain and field.default is field.default_factory is dataclasses.MISSING
    ]
    if absent:
        raise InputError(f"{where}.{absent[0]} is missing")
    values = {name: _value(hints[name], value, f"{where}.{name}") for name, value in plain.items()}
    try:
        return kind(**values)
    except InputError:
        raise
    except (TypeError, ValueError, ArithmeticError) as error:  # such as heads of 0, by which something is divided
        raise InputError(f"{where} has values that cannot be together") from error


def known_fields(kind: type, plain: Mapping[str, object]) -> dict[str, object]:
    """The entries that are fields of a dataclass: what another version says beside them is not needed to read it."""
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in plain.items() if name in names}


def _value(hint: object, value: object, where: str) -> object:
    """A value as its type hint says; an InputError where it is another."""
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _one_of(options, value, where)
    if origin is Literal:
        if not any(type(value) is type(option) and value == option for option in options):
            raise InputError(f"{where} must be one of {', '.join(str(option) for option in options)}")
        return value
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return from_plain(_tagged(hint, value, where), value, where=where)
    if hint is tuple or origin in (tuple, list):
        return _several(options, value, where)
    if hint is dict or origin in (dict, Mapping):
        if not isinstance(value, dict):
            raise InputError(f"{where} must be an object (names with values), not {_word(value)}")
        return (
            {name: _value(options[1], entry, f"{where}.{name}") for name, entry in value.items()} if options else value
        )
    if hint is float and type(value) is int and abs(value) < 2**53:
        return float(value)
    if hint in PLAIN and type(value) is not hint:
        raise InputError(f"{where} must be {PLAIN[hint]}, not {_word(value)}")  # pyright: ignore[reportArgumentType]
    return value


def _tagged(hint: type, value: object, where: str) -> type:
    """The dataclass that a value's `type` names, where the hint keeps a register of its kinds."""
    register = getattr(hint, "register", None)
    if not isinstance(register, dict) or hint in register.values():
        return hint
    tag = value.get("type") if isinstance(value, Mapping) else None
    if tag not in register:
        raise InputError(f"{where}.type must be one of {', '.join(register)}")
    return register[tag]


def _one_of(options: tuple[Any, ...], value: object, where: str) -> object:
    """The first option that fits; the complaint of the first that is not None where none does."""
    if value is None and type(None) in options:
        return None
    register = next((option.register for option in options if isinstance(getattr(option, "register", None), dict)), {})
    if isinstance(value, Mapping) and isinstance(value.get("type"), str) and value["type"] in register:
        return from_plain(register[value["type"]], value, where=where)
    complaints = []
    for option in options:
        if option is not type(None):
            try:
                return _value(option, value, where)
            except InputError as error:
                complaints.append(error)
    raise complaints[0]


def _several(options: tuple[Any, ...], value: object, where: str) -> tuple:
    """A list as a tuple, each entry as its hint says."""
    if not isinstance(value, list | tuple):
        raise InputError(f"{where} must be a list, not {_word(value)}")
    if options[1:] in ((), (Ellipsis,)) and options:
        options = (options[0],) * len(value)
    if options and len(options) != len(value):
        raise InputError(f"{where} must have {len(options)} entries, not {len(value)}")
    hints = options or (object,) * len(value)
    return tuple(
        _value(hint, entry, f"{where}[{at}]") for at, (hint, entry) in enumerate(zip(hints, value, strict=True))
    )


def _word(value: object) -> str:
    """What kind of value it is, without the value."""
    if isinstance(value, list | tuple):
        return "a list"
    return "an object" if isinstance(value, dict) else PLAIN.get(type(value), "something else")
