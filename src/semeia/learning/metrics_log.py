"""metrics.jsonl: one JSON object a line. Nothing in it depends on the clock: a resumed run's is the same."""

import json
from pathlib import Path

from semeia.archive.atomic import make_folder, naming, write_text
from semeia.archive.small_file import MEGABYTE, read_text

LARGEST = 1024 * MEGABYTE


class MetricsLog:
    """Appends lines; on resuming, forgets those after the checkpoint.

    Args:
        path: the file.
        start: first step that will be logged; later lines of an earlier attempt are dropped.
    """

    def __init__(self, path: Path, *, start: int = 0) -> None:
        self.path = path
        with naming(path.parent):
            make_folder(path.parent)
        if path.exists():
            kept = [line for line in read_text(path, most=LARGEST).splitlines() if _before(line, start)]
            write_text(path, "".join(f"{line}\n" for line in kept))

    def write(self, entry: dict[str, object]) -> None:
        """Adds a line."""
        with naming(self.path), self.path.open("a") as handle:
            handle.write(json.dumps(entry) + "\n")


def read_metrics(path: Path) -> list[dict]:
    """All lines of a log; none if there is no file."""
    return [json.loads(line) for line in read_text(path, most=LARGEST).splitlines()] if path.exists() else []


def _before(line: str, start: int) -> bool:
    try:
        return json.loads(line)["step"] < start
    except (ValueError, KeyError, TypeError, RecursionError):
        return False  # cut short by a kill
