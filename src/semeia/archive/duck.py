"""SQL on files larger than memory: a scratch folder goes in; a duckdb connection that spills there comes out.

Bounded memory, a fixed number of threads, UTC, and no network: an extension that is not built in is an error.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from semeia.errors import InputError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "1GB"
THREADS = 2


@contextmanager
def connected(scratch: Path, *, reads: Path | None = None) -> Iterator["DuckDBPyConnection"]:
    """A connection with at most 1 GB of memory and two threads, which spills to `scratch`.

    With `reads`, SQL that came from somebody else can touch no file outside that folder and the scratch.

    Raises:
        InputError: The disk is full.
    """
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "threads": THREADS,
        "temp_directory": str(scratch),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(config=settings) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        if reads is not None:
            allowed = ", ".join(literal(folder.absolute()) for folder in (reads, scratch))
            connection.execute(f"SET allowed_directories = [{allowed}]; SET enable_external_access = false")
        try:
            yield connection
        except duckdb.OutOfMemoryException as error:  # duckdb's word for a scratch disk without room, too
            raise InputError(f"{scratch}: no room left to sort; free memory or disk space and try again.") from error


def literal(text: str | Path) -> str:
    """`text` as a string literal of SQL."""
    return "'" + str(text).replace("'", "''") + "'"


def one_file(path: Path) -> str:
    """`path` as a literal for duckdb's readers, which would otherwise take `*`, `?` and `[` for patterns."""
    return literal(re.sub(r"([\[\]*?])", r"[\1]", str(path)))
