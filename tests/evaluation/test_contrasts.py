"""Which cell is subtracted: by fraction, by mode, and what cannot be resolved."""

import pytest

from semeia.errors import InputError
from semeia.evaluation.cells import Cell
from semeia.evaluation.contrasts import check_references, reference_cell

JEPA, FROZEN = Cell("jepa", "finetune", 0.5), Cell("jepa", "frozen", 0.5)
SCRATCH, SCRATCH_FULL = Cell("scratch", "finetune", 0.5), Cell("scratch", "finetune", 1.0)
DIAMETER = Cell("diameter", "none", 1.0)
CELLS = [JEPA, FROZEN, SCRATCH, SCRATCH_FULL, DIAMETER]


@pytest.mark.parametrize(
    ("reference", "cell", "expected"),
    [
        ("scratch", JEPA, SCRATCH),
        ("scratch", FROZEN, SCRATCH),
        ("scratch", DIAMETER, SCRATCH_FULL),
        ("diameter", JEPA, DIAMETER),
        ("diameter", DIAMETER, None),
        ("jepa/finetune", FROZEN, JEPA),
        ("jepa/finetune", JEPA, None),
        ("jepa", SCRATCH, JEPA),
        ("scratch", Cell("jepa", "finetune", 0.1), None),
    ],
)
def test_resolution(reference, cell, expected):
    assert reference_cell(reference, cell, CELLS) == expected


def test_an_ambiguous_mode_must_be_named():
    with pytest.raises(InputError, match="jepa/finetune, jepa/frozen"):
        reference_cell("jepa", DIAMETER, CELLS)


def test_an_unknown_reference_is_refused_with_the_arms():
    check_references(("jepa", "scratch/finetune"), CELLS)
    with pytest.raises(InputError, match="'jeppa' is not among the arms: diameter, diameter/none, jepa"):
        check_references(("jeppa",), CELLS)
