"""The grid of a study: cells that run in worker processes, each once, each resumable, each to be listed and deleted.

A cell is a folder under the run; `cell.json` in it, written last, says that it is finished and lists what it holds.
A cell that has lost one of these files is run again.
"""

import fnmatch
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from semeia.archive.atomic import locked, write_json
from semeia.archive.small_file import read_object
from semeia.errors import InputError
from semeia.learning.cells import DONE, STATE, Cell, cells_of, is_finished
from semeia.learning.interrupt import Interrupted
from semeia.processes import in_processes
from semeia.progress import bars, every_minute, say

Work = Callable[[Cell, Path], None]
BUSY = "another process is working in this run folder; wait until it ends, or choose another folder"


def run_cells(cells: list[Cell], work: Work, *, run: Path, workers: int, label: str) -> None:
    """Runs the cells that are not finished yet, `workers` at a time, one thread each.

    Args:
        work: called with a cell and its folder; must be importable (it runs in another process).

    Raises:
        Interrupted: Ctrl-C; finished cells are kept, and those begun go on from their checkpoints.
    """
    from joblib import delayed

    left = [cell for cell in cells if not is_finished(run / cell.name)]
    if not left:
        return
    try:
        if workers == 1:
            finished = (one_cell(cell, work, run) for cell in left)
        else:
            jobs = (delayed(one_cell)(cell, work, run) for cell in left)
            finished = in_processes(jobs, workers=workers, ordered=False)
        follow(finished, label=label, total=len(left), before=len(cells) - len(left))
    except KeyboardInterrupt as stop:
        done = sum(is_finished(run / cell.name) for cell in cells)
        words = f"stopped with {done} of {len(cells)} cells of '{label}' finished in {run}"
        raise Interrupted(words, signal=getattr(stop, "signal", None)) from stop


def one_cell(cell: Cell, work: Work, run: Path) -> str:
    """Runs one cell on one thread and marks it finished."""
    import torch

    torch.set_num_threads(1)
    folder = run / cell.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DONE).unlink(missing_ok=True)  # of a cell that has lost a file since
    began = time.monotonic()
    work(cell, folder)
    seconds = round(time.monotonic() - began, 1)
    # Written after everything else of the cell.
    files = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name not in (DONE, STATE))
    write_json(folder / DONE, {**cell.record(), "seconds": seconds, "files": files})
    return cell.name


def follow(finished, *, label: str, total: int, before: int) -> None:
    """A bar, or a line for every tenth of the cells and every minute."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    if before:
        say(f"{label}: {before} cells were finished before")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"),
    )
    began, count = time.monotonic(), 0

    def so_far() -> str:
        minutes = (time.monotonic() - began) / 60
        return f"{label}: {count} of {total} cells finished in {minutes:.0f} min"

    bar = Progress(*columns, console=Console(stderr=True), disable=not bars())
    with bar, every_minute(so_far):
        task = bar.add_task(label, total=total, last="")
        for count, name in enumerate(finished, 1):
            bar.update(task, completed=count, last=name)
            if not bars() and (count == total or count % max(total // 10, 1) == 0):
                say(f"{label}: {count} of {total} cells, last {name}")


def list_cells(run: Path) -> pl.DataFrame:
    """All cells of a run: cell, arm, mode, fraction, seed, state (finished or begun), seconds."""
    if not run.is_dir():
        raise InputError(f"{run}: no such run folder")
    rows = []
    for cell in (cell for cell in cells_of(run) if any((run / cell.name).iterdir())):
        done = run / cell.name / DONE
        record = read_object(done) if is_finished(done.parent) else {}
        rows.append(
            {
                "cell": cell.name,
                "arm": cell.arm,
                "mode": cell.mode,
                "fraction": None if cell.mode == "pretrain" else cell.fraction,
                "seed": cell.seed,
                "state": "finished" if record else "begun",
                "seconds": record.get("seconds"),
            }
        )
    kinds = {"cell": pl.String, "arm": pl.String, "mode": pl.String, "fraction": pl.Float64, "seed": pl.Int64}
    return pl.DataFrame(rows, schema={**kinds, "state": pl.String, "seconds": pl.Float64})


def delete_cells(run: Path, pattern: str) -> int:
    """Deletes the cells whose name matches a shell pattern (`cells/image_jepa/*`); returns how many."""
    if run.is_dir():
        with locked(run, busy=BUSY):
            return _delete(run, pattern)
    return _delete(run, pattern)


def _delete(run: Path, pattern: str) -> int:
    names = [name for name in list_cells(run)["cell"] if fnmatch.fnmatch(name, pattern)]
    if not names:
        raise InputError(f"{run}: no cell matches '{pattern}'; `semeia study list` shows their names")
    for name in names:
        # First, so that a cell that is half deleted does not count as finished.
        (run / name / DONE).unlink(missing_ok=True)
        shutil.rmtree(run / name)
    return len(names)
