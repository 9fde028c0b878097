"""Write files whole or not at all: bytes, text, JSON, tables.

Every file is written under a temporary name in its own folder, flushed to the disk, and renamed into place. Files and
folders made here are their owner's alone: what is in them comes from patients. What a killed process left under a
temporary name goes when the same file is written again.
A full disk or a read-only folder becomes one `InputError` that names the path.
"""

import io
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl

from semeia.errors import InputError

PARTIAL = ".partial"
_FORMULA = r"^[=+\-@\t\r]."
# A number with its sign, in per cent, with its interval behind it: +0.022, +3 %, -0.030 (-0.058 to -0.005).
_FIGURE = r"^[+-]?\d*[.,]?\d+ ?%?( ?[(\[][\d.,;%+ to\u2013-]*[)\]])?$"


@contextmanager
def naming(path: str | Path, doing: str = "written") -> Iterator[None]:
    """Turn an operating system's refusal inside the block into an `InputError` naming `path`."""
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise InputError(f"{path}: cannot be {doing}: {why}. Check free space and permissions.") from error


def make_folder(path: str | Path) -> None:
    """Make a folder, and those above it that are not there, for their owner alone. The OSError is the caller's."""
    path = Path(path)
    for folder in reversed([path, *path.parents]):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    path.mkdir(exist_ok=True)  # refused where a file has the name


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on a clean exit it becomes `path`, otherwise it is removed.

    Raises:
        InputError: The disk is full, the folder read-only, or the operating system refused in another way.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    with naming(path):
        make_folder(path.parent)
        sweep(path.parent, name=path.name)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _lock(handle)
            yield temporary
            place(temporary, path)
        finally:
            os.close(handle)
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextmanager
def making_folder(path: Path) -> Iterator[Path]:
    """Yield a folder under another name beside `path`; on a clean exit it becomes `path`, otherwise it is removed.

    An empty folder of that name may be there. What is half written never has the name.
    """
    half = path.with_name(f".{path.name}{PARTIAL}")
    shutil.rmtree(half, ignore_errors=True)
    try:
        yield half
        with naming(path):
            if path.exists():
                path.rmdir()
            half.rename(path)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def place(temporary: Path, path: Path) -> None:
    """Flush `temporary` to the disk, rename it to `path`, and flush the folder that now lists it."""
    temporary.chmod(0o600)
    _flush(temporary)
    os.replace(temporary, path)
    with suppress(OSError):  # some network filesystems cannot flush a folder; the rename itself has happened
        _flush(path.parent)


def sweep(folder: Path, *, name: str = "*") -> None:
    """Remove what a killed process left of writing a file `name` (by default any) of a folder.

    A temporary file that another process is still writing is locked by it, and stays.
    """
    pattern = re.compile(rf"\.{'.+' if name == '*' else re.escape(name)}\.[0-9a-f]{{8}}{re.escape(PARTIAL)}")
    with suppress(OSError):
        for leftover in folder.iterdir():
            if pattern.fullmatch(leftover.name) and not leftover.is_dir():
                with suppress(OSError):
                    handle = os.open(leftover, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
                    try:
                        _lock(handle)
                        leftover.unlink()
                    finally:
                        os.close(handle)


def _lock(handle: int) -> None:
    """Hold a lock until the file is closed; an OSError where another process has it."""
    with suppress(ImportError):  # not on this operating system
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # some network filesystems have no locks
            pass


@contextmanager
def locked(folder: Path, *, busy: str) -> Iterator[None]:
    """Hold an advisory lock on a folder: it leaves no file and ends with the process.

    Raises:
        InputError: another process holds the folder; `busy` is what to say then, after the folder's name.
    """
    if os.name != "posix":  # folders cannot be opened: two writers at once are the user's to avoid
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            _lock(handle)
        except BlockingIOError as error:
            raise InputError(f"{folder}: {busy}") from error
        yield
    finally:
        os.close(handle)


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


def write_csv(path: str | Path, frame: pl.DataFrame) -> None:
    """Write `frame` as CSV to `path`, whole or not at all.

    A text that a spreadsheet would take for a formula gets an apostrophe in front (`plain_cells` takes it off again); a
    figure, with a sign and an interval or without, stays as it is.
    """
    marked = []
    for name in frame.select(pl.col(pl.String)).columns:
        text = pl.col(name)
        number = text.cast(pl.Float64, strict=False).is_not_null() | text.str.contains(_FIGURE)
        formula = text.str.contains(_FORMULA) & ~number
        marked.append(pl.when(formula).then(pl.concat_str(pl.lit("'"), text)).otherwise(text).alias(name))
    buffer = io.BytesIO()
    frame.with_columns(marked).write_csv(buffer)
    write_bytes(path, buffer.getvalue())


def plain_cells(frame: pl.DataFrame) -> pl.DataFrame:
    """The texts of a table that `write_csv` wrote, as they were."""
    return frame.with_columns(pl.col(pl.String).str.replace(rf"^'({_FORMULA[1:]})", "${1}"))


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
