"""Keep covariates with what is predicted on, so that each can be tested as a shortcut."""

import re
from collections.abc import Mapping, Sequence

from semeia.archive.schema import SUBJECTS, UNITS
from semeia.errors import InputError
from semeia.readers.images.listed import Listed
from semeia.readers.rows import Faults, Row

# A number in some way of writing: 1,234 and 1.234,5, 1 234, a minus of Unicode, <0.5, 90+, 50%. Bands of ages (60-69)
# are words.
_NUMBER = re.compile(
    r"[<>≤≥~]?\s*[-+\u2212]?(\d{1,3}([\s.,'\u2019]\d{3})+|\d+)([.,]\d+)?(e[-+\u2212]?\d+)?\s*[%+]?", re.IGNORECASE
)

Fact = str | float | None
# Columns that the tables of units, of patients and of predictions have; sex may stand with a unit as well.
TAKEN = {column.name for table in (UNITS, SUBJECTS) for column in table.columns} - {"sex", "birth"}
TAKEN |= {"study", "outcome", "arm", "mode", "fraction", "seed", "cohort", "label", "score", "external"}


def refuse_names(columns: Sequence[str], *, label: str | None) -> None:
    """Refuse covariates that cannot stand beside what a table of units or predictions has."""
    if len(set(columns)) < len(columns):
        raise InputError(f"covariate: {', '.join(columns)} must each be given once.")
    if label in columns:
        raise InputError(f"covariate: '{label}' is the label; what is to be predicted must not be read.")
    if taken := sorted({*columns} & TAKEN):
        raise InputError(f"covariate: '{taken[0]}' is a name that the archive uses; rename the column.")


def covariates_of(
    listed: Sequence[Listed], rows: Sequence[Row], columns: Sequence[str], faults: Faults
) -> dict[int, dict[str, Fact]]:
    """The covariates of each row, by its number: numbers where every cell of a column is one, else text.

    Two rows of one unit and one date that differ are a fault; so is a number that cannot be read in a column that
    holds nothing else, which would make each of them a word.
    """
    typed = {column: _typed(rows, column, faults) for column in columns}
    facts = {row.number: {column: values[row.number] for column, values in typed.items()} for row in rows}
    first: dict[object, Row] = {}

    def agreed(entry: Listed) -> None:
        other = first.setdefault((entry.patient, entry.unit, entry.time), entry.row)
        for column in columns:
            if facts[other.number][column] != facts[entry.row.number][column]:
                raise entry.row.error(column, f"this unit has another value in row {other.number}.")

    faults.keep(listed, agreed)
    return facts


def _typed(rows: Sequence[Row], column: str, faults: Faults) -> Mapping[int, Fact]:
    numbers, unread = {}, []
    for row in rows:
        try:
            numbers[row.number] = row.number_or_none(column)
        except InputError as error:
            unread.append(error)
    if not unread:
        return numbers
    if all(_NUMBER.fullmatch(cell) for row in rows if (cell := row.cells[column]) is not None):
        for error in unread:
            faults.add(error)
    return {row.number: row.cells[column] for row in rows}
