"""Run the cells of a map, many together in each process, each kept as files as soon as it is done."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import polars as pl
import torch
from joblib import delayed

from semeia.archive.atomic import write_json, write_parquet
from semeia.errors import InputError
from semeia.learning.cells import DONE, is_finished
from semeia.processes import Backend, backend, in_processes
from semeia.progress import terminal
from semeia.settings_json import to_plain
from semeia.worlds.sweep.arms import Cell, run_cells
from semeia.worlds.sweep.condition import Condition

AREAS = "areas.parquet"


@dataclass(frozen=True)
class Place:
    """One condition on the map, and where it stands.

    Attributes:
        sweep: what is swept.
        value: where on the sweep, in words or a number as text.
        condition: what is run there; its number of labels is an axis of its own.
    """

    sweep: str
    value: str
    condition: Condition


def run_places(
    places: list[Place], *, seeds: tuple[int, ...], out: Path, workers: int, where: Backend, together: int
) -> None:
    """Run every cell that is not finished yet; stopped, the same call goes on.

    Args:
        places: the map; a condition that stands on it twice is run once.
        seeds: of worlds, patients and networks; every arm and every condition has the same ones.
        out: folder of the run.
        workers: processes, one thread each.
        where: processes of this machine or of a Ray cluster.
        together: cells that are trained as one at most.
    """
    cells = [(condition, seed) for condition in dict.fromkeys(p.condition for p in places) for seed in seeds]
    left = [cell for cell in cells if not is_finished(folder_of(out, *cell))]
    divided = chunks(left, workers=workers, together=together)
    done = len(cells) - len(left)
    with terminal("cells of the map", len(cells), per_step=1) as report, backend(where):
        report(done, {})  # from here on the time left is told
        if workers == 1:
            finished = (_run_together(chunk, out) for chunk in divided)
        else:
            finished = in_processes((delayed(_run_together)(c, out) for c in divided), workers=workers, ordered=False)
        for count in finished:
            done += count
            report(done, {})


def chunks(cells: list[Cell], *, workers: int, together: int) -> Iterator[list[Cell]]:
    """Divide cells into those that are trained as one: of one shape, and cells of one archive beside each other."""

    def archive(cell: Cell) -> tuple[str, int, str]:
        return cell[0].shape, cell[1], repr(cell[0].archive(cell[1]))

    ordered = sorted(cells, key=archive)
    for _, alike in groupby(ordered, key=lambda cell: cell[0].shape):
        group = list(alike)
        size = max(1, min(together, -(-len(group) // workers)))
        yield from (group[start : start + size] for start in range(0, len(group), size))


def read_places(places: list[Place], *, seeds: tuple[int, ...], out: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read what came of the cells.

    Returns:
        areas: sweep, value, labels, seed, cohort, arm, auroc, draws; diagnostics: sweep, value, labels, seed, and a
        column a measure.
    """
    areas, diagnostics = [], []
    for place in places:
        for seed in seeds:
            at = {"sweep": place.sweep, "value": place.value, "labels": place.condition.labels, "seed": seed}
            folder = folder_of(out, place.condition, seed)
            try:
                areas.append(pl.read_parquet(folder / AREAS).with_columns(**{k: pl.lit(v) for k, v in at.items()}))
                about = json.loads((folder / DONE).read_text(encoding="utf-8"))
            except (OSError, ValueError, pl.exceptions.PolarsError) as error:
                raise InputError(f"{folder}: cannot be read; delete it and give the same command again") from error
            diagnostics.append(at | about["diagnostics"])
    return pl.concat(areas), pl.DataFrame(diagnostics)


def folder_of(out: Path, condition: Condition, seed: int) -> Path:
    """Where a cell is kept."""
    return out / "cells" / condition.digest / f"seed-{seed}"


def _run_together(cells: list[Cell], out: Path) -> int:
    """Train cells as one; return how many there were."""
    torch.set_num_threads(1)
    for outcome in run_cells(cells):
        folder = folder_of(out, outcome.condition, outcome.seed)
        write_parquet(folder / AREAS, outcome.areas)
        about = {"condition": to_plain(outcome.condition), "seed": outcome.seed, "diagnostics": outcome.diagnostics}
        write_json(folder / DONE, {**about, "files": [AREAS]})
    return len(cells)
