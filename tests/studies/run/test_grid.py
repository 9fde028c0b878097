"""Cells run once each, in their order, wherever they run; an interruption keeps what is finished."""

import json
import os
import signal
from pathlib import Path

import pytest

from semeia.errors import InputError
from semeia.learning.cells import DONE, Cell
from semeia.learning.interrupt import Interrupted
from semeia.studies.run.grid import delete_cells, list_cells, run_cells

CELLS = [Cell("a", "pretrain", 1.0, 0), *(Cell("a", mode, f, 0) for mode in ("none", "frozen") for f in (0.1, 1.0))]


def leaves_a_file(cell: Cell, folder: Path) -> None:
    """At the top of the module, so that another process can import it."""
    (folder / "result.txt").write_text(f"{cell.arm} {cell.fraction:g} {os.getpid()}")


def test_every_cell_runs_once_in_order_and_is_marked(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO", "semeia")
    ran: list[str] = []
    run_cells(CELLS, lambda cell, folder: ran.append(cell.name), run=tmp_path, workers=1, label="cells")
    assert ran == [
        "pretrained/a/seed-0",
        "cells/a/none/0.1/seed-0",
        "cells/a/none/1/seed-0",
        "cells/a/frozen/0.1/seed-0",
        "cells/a/frozen/1/seed-0",
    ]
    run_cells(CELLS, lambda cell, folder: ran.append(cell.name), run=tmp_path, workers=1, label="cells")
    assert len(ran) == 5
    done = json.loads((tmp_path / CELLS[1].name / DONE).read_text())
    assert done.pop("seconds") >= 0
    assert done == {"arm": "a", "mode": "none", "fraction": 0.1, "seed": 0, "files": []}
    assert "cells: 5 of 5 cells, last cells/a/frozen/1/seed-0" in caplog.text


def test_an_error_leaves_its_cell_unmarked(tmp_path: Path):
    def work(cell: Cell, folder: Path) -> None:
        if cell == CELLS[2]:
            raise InputError("labels of one class")

    with pytest.raises(InputError, match="labels of one class"):
        run_cells(CELLS, work, run=tmp_path, workers=1, label="cells")
    assert [(tmp_path / cell.name / DONE).exists() for cell in CELLS] == [True, True, False, False, False]


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Interrupted("saved", signal=signal.SIGTERM)])
def test_an_interruption_says_what_is_finished_and_goes_on_there(tmp_path: Path, stop: KeyboardInterrupt):
    ran: list[Cell] = []

    def work(cell: Cell, folder: Path) -> None:
        ran.append(cell)
        if len(ran) == 3:
            (folder / "training.safetensors").write_text("half")
            raise stop

    with pytest.raises(Interrupted, match="stopped with 2 of 5 cells of 'cells' finished in ") as stopped:
        run_cells(CELLS, work, run=tmp_path, workers=1, label="cells")
    assert stopped.value.signal == getattr(stop, "signal", None)
    states = dict(zip(*list_cells(tmp_path).select("cell", "state").get_columns(), strict=True))
    assert sorted(states.values()) == ["begun", "finished", "finished"]
    assert states["cells/a/none/1/seed-0"] == "begun"
    run_cells(CELLS, work, run=tmp_path, workers=1, label="cells")
    assert ran == [*CELLS[:3], *CELLS[2:]]


def test_list_and_delete(tmp_path: Path):
    run_cells(CELLS, leaves_a_file, run=tmp_path, workers=1, label="cells")
    table = list_cells(tmp_path)
    assert table.columns == ["cell", "arm", "mode", "fraction", "seed", "state", "seconds"]
    assert sorted(table["cell"]) == sorted(cell.name for cell in CELLS)
    assert table["fraction"].to_list().count(None) == 1
    assert set(table["state"]) == {"finished"}

    assert delete_cells(tmp_path, "cells/a/none/*") == 2
    assert sorted(list_cells(tmp_path)["mode"]) == ["frozen", "frozen", "pretrain"]
    with pytest.raises(InputError, match="no cell matches 'cells/b"):
        delete_cells(tmp_path, "cells/b/*")
    with pytest.raises(InputError, match="no such run folder"):
        list_cells(tmp_path / "nowhere")


def test_a_cell_half_deleted_is_not_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run_cells(CELLS, leaves_a_file, run=tmp_path, workers=1, label="cells")

    def killed(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("semeia.studies.run.grid.shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        delete_cells(tmp_path, "cells/a/none/1/*")
    table = list_cells(tmp_path)
    assert table.filter(table["state"] == "begun")["cell"].to_list() == ["cells/a/none/1/seed-0"]


def test_an_empty_run_has_an_empty_list(tmp_path: Path):
    assert list_cells(tmp_path).height == 0


def test_a_cell_that_lost_a_file_is_run_again(tmp_path: Path):
    cell = Cell("arm", "none", 1.0, 0)
    folder = tmp_path / cell.name
    run_cells([cell], leaves_a_file, run=tmp_path, workers=1, label="cells")
    files = json.loads((folder / DONE).read_text())["files"]
    assert files
    assert all((folder / name).exists() for name in files)
    (folder / files[0]).unlink()
    assert list_cells(tmp_path)["state"].to_list() == ["begun"]

    run_cells([cell], leaves_a_file, run=tmp_path, workers=1, label="cells")
    assert (folder / files[0]).exists()
    assert list_cells(tmp_path)["state"].to_list() == ["finished"]
