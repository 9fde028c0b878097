"""Which folders of a run are cells: those of a cell's own path; copies and backups of them are none."""

import json
from pathlib import Path

import pytest

from semeia.learning.cells import DONE, Cell, cells_of

CELLS = [
    Cell("image_jepa", "pretrain", 1.0, 0),
    Cell("image_jepa", "frozen", 0.25, 2),
    Cell("image_jepa", "frozen", 0.25, 10),
    Cell("simclr", "finetune", 1.0, 0, (("outcome", "progression"),)),
]


def write(folder: Path, cell: Cell) -> None:
    folder.mkdir(parents=True)
    (folder / DONE).write_text(json.dumps({**cell.record(), "seconds": 1.0}))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for cell in CELLS:
        write(tmp_path / cell.name, cell)
    return tmp_path


def test_cells_are_found_in_the_order_of_their_seeds(run: Path):
    assert cells_of(run) == CELLS


@pytest.mark.parametrize(
    "copy",
    [
        "cells/image_jepa/frozen/0.25/seed-2 (copy)",
        "cells/image_jepa/frozen/0.25/seed-2.bak",
        "cells/image_jepa/frozen/0.25/seed-02",
        "cells/image_jepa/frozen/0.25/seed-3",  # says that it is seed 2
        "cells/image_jepa/frozen/0.25 (copy)/seed-2",
        "cells/image_jepa/frozen/0.250/seed-2",
        "cells/image_jepa/frozen - Kopie/0.25/seed-2",
        "cells/image_jepa (copy)/frozen/0.25/seed-2",
        "cells/image_jepa_old/frozen/0.25/seed-2",  # says that it is image_jepa
        "old/cells/image_jepa/frozen/0.25/seed-2",
    ],
)
def test_a_copy_is_no_cell(run: Path, copy: str):
    write(run / copy, CELLS[1])
    assert cells_of(run) == CELLS


@pytest.mark.parametrize("copy", ["outcome=progression_old", "outcome=progression copy", "outcome=x/outcome=y", "old"])
def test_a_copy_of_an_outcome_is_no_cell(run: Path, copy: str):
    write(run / f"cells/simclr/finetune/1/{copy}/seed-0", CELLS[3])  # says that it is progression
    assert cells_of(run) == CELLS


def test_a_cell_that_is_begun_counts(run: Path):
    begun = Cell("random", "frozen", 1.0, 0)
    (run / begun.name).mkdir(parents=True)
    assert begun in cells_of(run)
    (run / CELLS[0].name / DONE).write_text("{")
    assert CELLS[0] not in cells_of(run)
