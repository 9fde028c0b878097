"""Read small files that others may have written: at most so many bytes of a regular file, as bytes, JSON or YAML.

A device or a pipe never ends or never begins, a few bytes of YAML or JSON can stand for gigabytes: each is refused in
one line before memory is taken.
"""

import json
import os
import stat
from pathlib import Path

from semeia.archive.atomic import naming
from semeia.bounds import most as bound_of
from semeia.errors import InputError

MEGABYTE = 2**20
_DEEPEST = 100  # levels of lists and objects in each other


def require_regular(path: str | Path, *, most: int | None = None) -> None:
    """Refuse what is no regular file (a folder, a device, a pipe, nothing), or one of more than `most` bytes."""
    with naming(path, "read"):
        found = Path(path).stat()
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "a device or a pipe"
        raise InputError(f"{path}: is {what}, not a file; save the content in a file and give that.")
    if most is not None and found.st_size > most:
        raise _too_large(path, most)


def read_small(path: str | Path, *, most: int | None = None) -> bytes:
    """The content of a regular file of at most `most` bytes; by default SEMEIA_MOST_SMALL_BYTES of `bounds.py`."""
    most = bound_of("SEMEIA_MOST_SMALL_BYTES") if most is None else most
    require_regular(path, most=most)
    with naming(path, "read"):
        # Looked at again once it is open, without waiting for a writer: the name may lead to a pipe by now.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as stream:
            content = stream.read(most + 1) if stat.S_ISREG(os.fstat(handle).st_mode) else None
    if content is None:
        raise InputError(f"{path}: is a device or a pipe, not a file; save the content in a file and give that.")
    if len(content) > most:
        raise _too_large(path, most)
    return content


def read_text(path: str | Path, *, most: int | None = None) -> str:
    """The text of a small file in UTF-8, without a byte order mark."""
    try:
        return read_small(path, most=most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not text in UTF-8; restore it, or save it as UTF-8.") from error


def read_json(path: str | Path, *, most: int | None = None) -> object:
    """What a small JSON file holds."""
    return parse_json(read_text(path, most=most), where=str(path))


def parse_json(text: str, *, where: str) -> object:
    """What JSON text says; `where` names its file in messages."""
    try:
        content = json.loads(text)
    except RecursionError:
        content = None
        deep = True
    except ValueError as error:  # a number of too many digits is one, too
        at = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "a number in it"
        raise InputError(f"{where}: not readable as JSON ({at}); restore the file.") from error
    else:
        deep = _deeper(content, _DEEPEST)
    if deep:
        raise InputError(f"{where}: is nested more than {_DEEPEST} levels deep; restore the file.")
    return content


def read_object(path: str | Path, *, most: int | None = None) -> dict[str, object]:
    """What a small JSON file holds, which must be an object: names with values."""
    content = read_json(path, most=most)
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no JSON object (names with values); restore the file.")
    return content


def parse_yaml(text: str, *, where: str) -> object:
    """What YAML text says. Aliases are refused: nested in each other, a few lines of them stand for gigabytes."""
    import yaml

    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1
                raise InputError(f"{where}, line {line}: aliases (*name) are not read; write the value out.")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise InputError(f"{where}: is not YAML to be read: nested more than {_DEEPEST} levels deep.")
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a date that is none
        if isinstance(error, InputError):
            raise
        mark = getattr(error, "problem_mark", None)
        at = f", line {mark.line + 1}" if mark is not None else ""
        raise InputError(f"{where}{at}: is not YAML.") from error


def _deeper(content: object, levels: int) -> bool:
    """Whether lists and objects lie in each other more than `levels` deep."""
    layer = [content]
    for _ in range(levels):
        layer = [
            inner
            for outer in layer
            if isinstance(outer, list | dict)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not layer:
            return False
    return any(isinstance(inner, list | dict) for inner in layer)


def _too_large(path: str | Path, most: int) -> InputError:
    size = f"{most // MEGABYTE} MB" if most >= MEGABYTE else f"{most // 1024} KB"
    return InputError(f"{path}: is larger than {size}, more than such a file can hold; is it the right one?")
