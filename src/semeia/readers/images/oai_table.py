"""Kellgren-Lawrence readings in the columns of the OAI: a user's table goes in, one checked reading a row comes out.

OAI readings of single patients are access-controlled: the table is the user's own, and nothing of it is kept.
Names of columns are read in any case; a cell such as `1: Right` counts as 1.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from semeia.archive.identity import canonical
from semeia.archive.table_file import there_are
from semeia.errors import InputError
from semeia.readers.rows import Faults, Row, read_rows

ALIASES = {
    "id": ("id", "patient_id"),
    "side": ("side",),
    "project": ("readprj", "project"),
    "grade": ("klg", "xrkl", "kl"),
    "visit": ("visit",),
}
VISITS = {"00": 0, "01": 12, "03": 24, "05": 36, "06": 48, "08": 72, "10": 96}  # the OAI's codes, in months
_BY_VISIT = {f"v{code}xrkl": months for code, months in VISITS.items()}
_SIDES = {"1": "R", "2": "L", "r": "R", "l": "L", "right": "R", "left": "L"}
_GRADES = range(5)


@dataclass(frozen=True)
class Reading:
    """One grade of one knee at one visit.

    Attributes:
        row: where it stands, for messages.
        patient: original id.
        side: L or R.
        months: of the visit, after baseline.
        project: of the reading; 15 reads all visits of a knee together.
        grade: 0 to 4; None where the cell is empty or begins with a dot, as the OAI writes what is missing.
    """

    row: Row
    patient: str
    side: str
    months: int
    project: int
    grade: int | None


def read_oai_table(file: str | Path) -> list[Reading]:
    """Read a table of grades.

    Args:
        file: CSV, TSV or parquet. Columns, in any case: ID; SIDE (1 right, 2 left); READPRJ; and either KLG and
            Visit (`00m`, `48m`; or `V00`, `V06`), or one column of grades a visit, `V00XRKL` and so on.

    Raises:
        InputError: A column is missing, or a cell is none of what its column may hold: names the row.
    """
    rows = read_rows(file, required=())
    names = {name.strip().lower(): name for name in rows[0].cells}
    found = {what: next((names[alias] for alias in given if alias in names), "") for what, given in ALIASES.items()}
    grades: dict[str, int | None] = {names[name]: months for name, months in _BY_VISIT.items() if name in names}
    if found["grade"]:
        grades = {found["grade"]: None}
    elif found["visit"] and len(grades) == 1:  # one column of grades, whose visit each row tells
        grades = dict.fromkeys(grades)
    needed = {"ID": found["id"], "SIDE": found["side"], "READPRJ": found["project"], "KLG": "".join(grades)}
    if None in grades.values():
        needed["Visit"] = found["visit"]
    absent = [name for name, column in needed.items() if not column]
    if absent:
        raise InputError(f"{file}: lacks the column(s) {', '.join(absent)}. {there_are(list(rows[0].cells))}")
    faults = Faults()
    kept = faults.keep(rows, lambda row: [_reading(row, found, grade=g, months=m) for g, m in grades.items()])
    faults.settle()
    return [reading for readings in kept for reading in readings]


def _reading(row: Row, columns: dict[str, str], *, grade: str, months: int | None) -> Reading:
    side = _SIDES.get(_code(row, columns["side"]).lower())
    if side is None:
        raise row.error(columns["side"], "must be 1 (right) or 2 (left).")
    project = _code(row, columns["project"])
    if not project.isdecimal():
        raise row.error(columns["project"], "must be the whole number of a reading project, such as 15.")
    return Reading(
        row=row,
        patient=canonical(row.identity(columns["id"])),
        side=side,
        months=_months(row, columns["visit"]) if months is None else months,
        project=int(project),
        grade=_grade(row, grade),
    )


def _code(row: Row, column: str) -> str:
    """The cell without the words after a colon, and without a spreadsheet's `.0`."""
    return row.text(column).split(":")[0].strip().removesuffix(".0")


def _months(row: Row, column: str) -> int:
    visit = row.text(column).lower()
    months = re.fullmatch(r"(\d{1,3}) ?m?", visit)
    code = re.fullmatch(r"v(\d\d)", visit)
    if months:
        return int(months[1])
    if code and code[1] in VISITS:
        return VISITS[code[1]]
    raise row.error(column, "must be a visit, such as 00m or 48m.")


def _grade(row: Row, column: str) -> int | None:
    if (row.cells[column] or ".").startswith("."):
        return None
    grade = _code(row, column)
    if not grade.isdecimal() or int(grade) not in _GRADES:
        raise row.error(column, "must be a Kellgren-Lawrence grade, 0 to 4, or empty.")
    return int(grade)
