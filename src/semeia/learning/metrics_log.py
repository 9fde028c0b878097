"""metrics.jsonl: one JSON object a line. Nothing in it depends on the clock: a resumed run's is the same."""

import json
from pathlib import Path

from semeia.archive.atomic import naming, write_text


class MetricsLog:
    """Appends lines; on resuming, forgets those after the checkpoint.

    Args:
        path: the file.
        start: first step that will be logged; later lines of an earlier attempt are dropped.
    """

    def __init__(self, path: Path, *, start: int = 0) -> None:
        self.path = path
        with naming(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            kept = [line for line in path.read_text().splitlines() if _before(line, start)]
            write_text(path, "".join(f"{line}\n" for line in kept))

    def write(self, entry: dict[str, object]) -> None:
        """Adds a line."""
        with naming(self.path), self.path.open("a") as handle:
            handle.write(json.dumps(entry) + "\n")


def read_metrics(path: Path) -> list[dict]:
    """All lines of a log; none if there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _before(line: str, start: int) -> bool:
    try:
        return json.loads(line)["step"] < start
    except (json.JSONDecodeError, KeyError):
        return False  # cut short by a kill
