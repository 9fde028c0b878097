"""Let one process at a time write in a folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semeia.errors import InputError


@contextmanager
def locked(folder: Path, *, busy: str) -> Iterator[None]:
    """Hold an advisory lock on a folder: it leaves no file and ends with the process.

    Args:
        folder: must exist.
        busy: what to say, after the folder's name, when another process holds it.

    Raises:
        InputError: another process holds the folder.
    """
    try:
        import fcntl
    except ImportError:  # not on this operating system: two writers at once are the user's to avoid
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"{folder}: {busy}") from error
        except OSError:  # some network filesystems have no locks
            pass
        yield
    finally:
        os.close(handle)
