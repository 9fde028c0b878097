"""Decide which cell is subtracted from which, and on which rows: those that both predicted with the same seed.

Cohorts hold different patients: a draw of a gap is the difference of a draw of each, the home cohort's being taken one
draw further on, because the draws of two cohorts follow from one seed.
"""

import numpy as np
from jaxtyping import Float

from semeia.errors import InputError
from semeia.evaluation.cells import Cell, Fold
from semeia.evaluation.shapes import Rows

Folds = dict[int, Fold]


def check_references(references: tuple[str, ...], cells: list[Cell]) -> None:
    """InputError when a reference names no arm (or arm/mode) of any cell."""
    for reference in references:
        if not any(_named(reference, cell) for cell in cells):
            names = sorted({cell.arm for cell in cells} | {f"{cell.arm}/{cell.mode}" for cell in cells})
            raise InputError(f"reference '{reference}' is not among the arms: {', '.join(names)}.")


def reference_cell(reference: str, cell: Cell, cells: list[Cell]) -> Cell | None:
    """Return the cell that `reference` means beside `cell`, or None when there is none.

    It has the same fraction, or is the reference's only fraction (a baseline trained once). An arm named
    without its mode is taken in the mode of `cell` when it has that, else in its only mode.
    """
    named = [other for other in cells if _named(reference, other)]
    if cell in named:
        return None
    fractions = {other.fraction for other in named}
    fraction = cell.fraction if cell.fraction in fractions else next(iter(fractions), None)
    if fraction != cell.fraction and len(fractions) > 1:
        return None
    found = [other for other in named if other.fraction == fraction]
    same = [other for other in found if other.mode == cell.mode]
    if len(found) > 1 and not same:
        modes = ", ".join(f"{other.arm}/{other.mode}" for other in found)
        raise InputError(f"reference '{reference}' has several modes; name one of: {modes}.")
    return (same or found or [None])[0]


def is_reference(cell: Cell, references: tuple[str, ...]) -> bool:
    """Whether a cell is among those that are subtracted."""
    return any(_named(reference, cell) for reference in references)


def paired(one: Folds, other: Folds) -> tuple[Folds, Folds]:
    """The rows of both on the units that both predicted, seed by seed, in the same order; seeds without any left out.

    A seed in which both have the same units in the same order keeps its folds, so that what is known of them is found.
    """
    mine, theirs = {}, {}
    for seed in sorted(one.keys() & other.keys()):
        mine[seed], theirs[seed] = one[seed], other[seed]
        if not np.array_equal(one[seed].unit, other[seed].unit):
            _, at, there = np.intersect1d(one[seed].unit, other[seed].unit, return_indices=True)
            mine[seed], theirs[seed] = one[seed].take(at), other[seed].take(there)
    present = [seed for seed, fold in mine.items() if len(fold.unit)]
    return {seed: mine[seed] for seed in present}, {seed: theirs[seed] for seed in present}


def gap_draws(inside: Rows, outside: Float[np.ndarray, "others"], *, number: int) -> Float[np.ndarray, "every"]:
    """Outside less inside: as they are, in each of `number` draws, and with groups of either cohort left out in turn.

    Both are as `Draws.apply` gives them.
    """
    drawn = outside[1 : 1 + number] - np.roll(inside[1 : 1 + number], -1)
    left_out = [outside[1 + number :] - inside[0], outside[0] - inside[1 + number :]]
    return np.concatenate([[outside[0] - inside[0]], drawn, *left_out])


def _named(reference: str, cell: Cell) -> bool:
    return reference in {cell.arm, f"{cell.arm}/{cell.mode}"}
