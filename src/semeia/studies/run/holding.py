"""One process at a time in a run folder; what a killed one left half-written is swept, a failed try leaves nothing."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from semeia.archive.atomic import PARTIAL, locked, naming
from semeia.learning.cells import DONE, STATE, cells_of
from semeia.learning.model import FILE
from semeia.studies.run.grid import BUSY


@contextmanager
def holding(run: Path) -> Iterator[None]:
    """Keep a run folder to this process, and sweep what a killed one left half-written.

    A folder made here goes again when the block fails before anything was learnt, so that the corrected command may
    have its name.
    """
    new = [folder for folder in (run, *run.parents) if not folder.exists()]
    with naming(run, "created"):
        run.mkdir(parents=True, exist_ok=True)
    try:
        with locked(run, busy=BUSY):
            for leftover in run.rglob(f".*{PARTIAL}"):
                with suppress(OSError):
                    shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
            yield
    except Exception:
        if run in new and not has_learnt(run):
            shutil.rmtree(run, ignore_errors=True)
        raise
    finally:
        for folder in new:  # each only if it is empty
            with suppress(OSError):
                folder.rmdir()


def has_learnt(run: Path) -> bool:
    """Whether anything was learnt in a run folder that another command could not take over: a checkpoint or a model."""
    return any((run / cell.name / name).exists() for cell in cells_of(run) for name in (STATE, FILE, DONE))
