"""Writing that happens or does not: bytes, text, JSON, tables go in; a complete file or an error comes out.

Every file is written under a temporary name in its own folder, flushed to the disk, and renamed into place.
A full disk or a read-only folder becomes one `InputError` that names the path.
"""

import io
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl

from semeia.errors import InputError

PARTIAL = ".partial"


@contextmanager
def naming(path: str | Path, doing: str = "written") -> Iterator[None]:
    """Turn an operating system's refusal inside the block into an `InputError` naming `path`."""
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise InputError(f"{path}: cannot be {doing}: {why}. Check free space and permissions.") from error


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on a clean exit it becomes `path`, otherwise it is removed.

    Raises:
        InputError: The disk is full, the folder read-only, or the operating system refused in another way.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            place(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def place(temporary: Path, path: Path) -> None:
    """Flush `temporary` to the disk, rename it to `path`, and flush the folder that now lists it."""
    _flush(temporary)
    os.replace(temporary, path)
    with suppress(OSError):  # some network filesystems cannot flush a folder; the rename itself has happened
        _flush(path.parent)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: str | Path, content: Mapping[str, object] | list[object]) -> None:
    """Write `content` as readable JSON to `path`, whole or not at all. NaN is refused: JSON has none."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_parquet(path: str | Path, frame: pl.DataFrame) -> None:
    """Write `frame` as parquet to `path`, whole or not at all."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    write_bytes(path, buffer.getvalue())


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
