"""The one table of docs/performance.md: a row for each thing measured, beside what else does the same."""

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

ROWS = "SEMEIA_BENCHMARK_ROWS"  # the file that tools/bench.py has rows kept in
HEAD = """| benchmark | what | Semeia | other | unit | times better | other is | load |
|---|---|---:|---:|---|---:|---|---:|"""


def row(
    what: str, *, ours: float, unit: str, other: float | None = None, against: str = "", more_is_better: bool = False
) -> None:
    """Keep a row where tools/bench.py asks for it; a benchmark run by itself prints its own words only.

    Args:
        what: was measured.
        ours: Semeia's value.
        unit: of both values.
        other: the other side's value; None where there is no other side.
        against: what the other side is.
        more_is_better: of a rate; a time or a memory is better where it is less.
    """
    if path := os.environ.get(ROWS):
        better = None if other is None else ours / other if more_is_better else other / ours
        entry = {"benchmark": Path(sys.argv[0]).stem, "what": what, "ours": ours, "other": other, "unit": unit}
        with open(path, "a") as file:
            file.write(json.dumps({**entry, "better": better, "against": against, "load": os.getloadavg()[0]}) + "\n")


def table(paths: Iterable[Path]) -> str:
    """The rows of files as a table in Markdown."""
    return "\n".join([HEAD, *(_line(json.loads(line)) for path in paths for line in path.read_text().splitlines())])


def _line(entry: dict) -> str:
    ours, other, better = (
        "" if entry[name] is None else f"{entry[name]:,.3g}" if entry[name] < 1000 else f"{entry[name]:,.0f}"
        for name in ("ours", "other", "better")
    )
    cells = entry["benchmark"], entry["what"], ours, other, entry["unit"], better, entry["against"]
    return f"| {' | '.join(cells)} | {entry['load']:.0f} |"
