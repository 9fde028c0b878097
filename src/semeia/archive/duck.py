"""Query files larger than memory with SQL, by a duckdb connection that spills into a scratch folder.

Bounded memory, a fixed number of threads, UTC, and no network: an extension that is not built in is an error.
"""

import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from semeia.errors import InputError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "1GB"
THREADS = 2
MOST_MINUTES = 180  # of one step of a mapping: a join without a condition would go on for days


@contextmanager
def connected(scratch: Path, *, reads: Path | None = None) -> Iterator["DuckDBPyConnection"]:
    """A connection with at most 1 GB of memory and two threads, which spills to `scratch`.

    With `reads`, SQL that came from somebody else can touch no file outside that folder and the scratch, and change no
    setting; that it writes nothing is seen to by `single`. It spills to half of the free disk at most.
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
            room = shutil.disk_usage(scratch).free // 2
            connection.execute(f"SET max_temp_directory_size = '{room} B'; SET allowed_directories = [{allowed}]")
            connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        try:
            yield connection
        except duckdb.OutOfMemoryException as error:  # duckdb's word for a scratch disk without room, too
            raise InputError(f"{scratch}: no room left to sort; free memory or disk space and try again.") from error


def single(connection: "DuckDBPyConnection", query: str) -> str:
    """`query` itself, if it is one SELECT, or one CREATE of a table or view from one, and nothing else.

    Raises:
        duckdb.ParserException: It is not; COPY, SET, ATTACH and the like cannot hide behind it.
    """
    import duckdb

    statements = connection.extract_statements(query)
    allowed = (duckdb.StatementType.SELECT, duckdb.StatementType.CREATE)
    if len(statements) != 1 or statements[0].type not in allowed:
        kinds = ", ".join(str(statement.type).split(".")[-1] for statement in statements) or "nothing"
        raise duckdb.ParserException(f"Parser Error: must be exactly one SELECT, and is {kinds}")
    return query


@contextmanager
def limited(connection: "DuckDBPyConnection", what: str) -> Iterator[None]:
    """Stop what goes on inside after `MOST_MINUTES`."""
    import duckdb

    timer = threading.Timer(60 * MOST_MINUTES, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException as error:
        raise InputError(f"{what}: stopped after {MOST_MINUTES:g} minutes; does a join lack its condition?") from error
    finally:
        timer.cancel()
        timer.join()  # a thread that outlives the command holds the connection, which duckdb then complains of


def literal(text: str | Path) -> str:
    """`text` as a string literal of SQL."""
    return "'" + str(text).replace("'", "''") + "'"


def one_file(path: Path) -> str:
    """`path` as a literal for duckdb's readers, which would otherwise take `*`, `?` and `[` for patterns."""
    return literal(re.sub(r"([\[\]*?])", r"[\1]", str(path)))
