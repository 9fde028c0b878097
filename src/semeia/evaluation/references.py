"""Which cell is subtracted from which: resolving `arm` and `arm/mode` to cells."""

from semeia.errors import InputError
from semeia.evaluation.cells import Cell


def check_references(references: tuple[str, ...], cells: list[Cell]) -> None:
    """InputError when a reference names no arm (or arm/mode) of any cell."""
    for reference in references:
        if not any(_named(reference, cell) for cell in cells):
            names = sorted({cell.arm for cell in cells} | {f"{cell.arm}/{cell.mode}" for cell in cells})
            raise InputError(f"reference '{reference}' is not among the arms: {', '.join(names)}.")


def reference_cell(reference: str, cell: Cell, cells: list[Cell]) -> Cell | None:
    """The cell that `reference` means beside `cell`, or None when there is none.

    It has the same fraction, or is the reference's only fraction (a baseline trained once). An arm named
    without its mode is taken in the mode of `cell` when it has that, else in its only mode.

    Raises:
        InputError: the arm has several modes, none of them that of `cell`.
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


def _named(reference: str, cell: Cell) -> bool:
    return reference in {cell.arm, f"{cell.arm}/{cell.mode}"}
