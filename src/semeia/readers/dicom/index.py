"""Read the headers of a whole folder once, over worker processes where there are many files."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from semeia.archive.atomic import naming
from semeia.processes import in_processes
from semeia.readers.dicom.header import Header, read_header

_CHUNK = 500  # files a call; fewer are not worth a process


@dataclass(frozen=True)
class Index:
    """The images of a folder in the order of their paths, and how many files were left out, by why."""

    headers: tuple[Header, ...]
    left_out: Counter[str]


def index_folder(folder: Path, *, workers: int = 1) -> Index:
    """Read the header of every file in `folder` and below it.

    Args:
        folder: Files of any kind; names and endings mean nothing.
        workers: Processes to read with.
    """
    from joblib import delayed

    with naming(folder, "read"):
        paths = sorted(Path(where, name) for where, _, names in os.walk(folder) for name in names)
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    if workers == 1 or len(chunks) < 2:
        found = [answer for chunk in chunks for answer in read_headers(chunk)]
    else:
        calls = (delayed(read_headers)(chunk) for chunk in chunks)
        found = [answer for answers in in_processes(calls, workers=workers) for answer in answers]
    headers = tuple(answer for answer in found if isinstance(answer, Header))
    return Index(headers, Counter(answer for answer in found if isinstance(answer, str)))


def read_headers(paths: Sequence[Path]) -> list[Header | str]:
    """Read several headers; see `read_header`."""
    return [read_header(path) for path in paths]
