"""Derive what became of knees in four years from a user's own OAI readings.

Incidence: of knees of grade 0 or 1, those of grade 2 or more at 48 months. Progression: of knees of grade 2 or 3, those
of a higher grade at 48 months; grade 4 cannot progress. The papers that we follow do not give their rules; these are
the usual ones. A knee not read at 48 months is left out and counted by grade: who is lost is not chance (a joint that
was replaced is not read). Nothing of the table is written anywhere.

OAI readings of single patients are access-controlled: the table is the user's own, and nothing of it is kept.
Names of columns are read in any case; a cell such as `1: Right` counts as 1.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from semeia.archive import Archive
from semeia.archive.column_names import there_are
from semeia.archive.identity import canonical
from semeia.errors import InputError
from semeia.readers.images.knees import OUTCOME, KneeUnits, knee_units
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
BASELINE, END = 0, 48
WHOLE_SERIES = 15  # the project that read all visits of a knee together
GRADES = range(5)
_SYNTHETIC = "rows that say they are synthetic"
_FRAME = {"unit_id": pl.String(), "subject_id": pl.Int64(), "value": pl.Float64()}


@dataclass(frozen=True)
class Reading:
    """One grade of one knee at one visit.

    Attributes:
        patient: original id.
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
    if not grade.isdecimal() or int(grade) not in GRADES:
        raise row.error(column, "must be a Kellgren-Lawrence grade, 0 to 4, or empty.")
    return int(grade)


@dataclass(frozen=True)
class FollowUp:
    """Four-year outcomes of an archive's knees.

    Attributes:
        incidence: unit_id, subject_id, value (0 or 1), for knees of baseline grade 0 or 1.
        by_grade: one row a baseline grade: baseline_grade, knees, followed, missing (no reading at 48 months),
            worsened (of those followed: the value is 1; empty for grade 4, which can have none).
        counts: what else was counted, in words: readings and knees left out, grades that differ.
    """

    incidence: pl.DataFrame
    progression: pl.DataFrame
    by_grade: pl.DataFrame
    counts: Mapping[str, int]

    def outcomes(self) -> dict[str, pl.DataFrame]:
        """Both by name; those of made-up readings say so wherever they appear."""
        mark = "_simulated" if self.counts[_SYNTHETIC] else ""
        return {f"incidence{mark}": self.incidence, f"progression{mark}": self.progression}


def follow_up_outcomes(
    file: str | Path, archive: Archive, *, key: str | Path | None = None, any_project: bool = False
) -> FollowUp:
    """Read four-year incidence and progression of an archive's knees from a table of OAI readings.

    Args:
        file: The user's own table; see `read_oai_table` for its columns.
        archive: Made by `ingest_knees`, with the side of each knee.
        any_project: Whether a knee that project 15 did not read at an end may count by another project's reading
            (the one of the lowest number). Different readers at both ends add changes that are none.

    Returns:
        Both outcomes, and who was left out.

    Raises:
        InputError: Names the row: a cell that cannot be, or two grades of one reading; or no knee is the archive's.
    """
    units = knee_units(archive, key=key)
    readings = read_oai_table(file)
    counts: Counter[str] = Counter({"rows with no grade, left out": sum(one.grade is None for one in readings)})
    counts[_SYNTHETIC] = sum(one.row.synthetic for one in readings)
    ends = [one for one in readings if one.months in (BASELINE, END) and one.grade is not None]
    grades = {when: _grades(ends, when, counts, any_project=any_project) for when in (BASELINE, END)}
    knees = _joined(grades[BASELINE], units, counts)
    if not knees:
        raise InputError(f"{file}: no knee read at baseline is one of {archive.path}; check ids, sides and READPRJ.")
    now = dict(zip(knees, (grades[BASELINE][knee] for knee in knees.values()), strict=True))
    later = {unit: grades[END].get(knee) for unit, knee in knees.items()}
    _compare(now, archive, counts)
    return FollowUp(
        incidence=_outcome(now, later, units, of=(0, 1)),
        progression=_outcome(now, later, units, of=(2, 3)),
        by_grade=_by_grade(now, later),
        counts=dict(counts),
    )


def worsened(now: int, later: int) -> bool:
    """Whether a knee came down with osteoarthritis (from grade 0 or 1) or it progressed (from 2 or 3)."""
    return later >= 2 if now <= 1 else later > now


def _grades(
    readings: Iterable[Reading], months: int, counts: Counter[str], *, any_project: bool
) -> dict[tuple[str, str], int]:
    """The grade of each knee, by (patient, side), at one visit."""
    visit = f"at {months:02d}m"
    told: dict[tuple[str, str], dict[int, Reading]] = {}
    for one in readings:
        if one.months != months:
            continue
        first = told.setdefault((one.patient, one.side), {}).setdefault(one.project, one)
        if first.grade != one.grade:
            words = f"its grade is not that of row {first.row.number}, the same reading of the same knee"
            raise InputError(f"{one.row.table}, row {one.row.number}: {words}; settle which is right.")
        counts[f"repeated rows {visit}"] += first is not one
    chosen = {}
    for knee, projects in told.items():
        counts[f"knees that several projects read {visit}"] += len(projects) > 1
        counts[f"of them with different grades {visit}"] += len({one.grade for one in projects.values()}) > 1
        project = WHOLE_SERIES if WHOLE_SERIES in projects else min(projects)
        other = project != WHOLE_SERIES
        counts[f"knees that project 15 did not read, {'kept' if any_project else 'left out'}, {visit}"] += other
        if any_project or not other:
            chosen[knee] = projects[project].grade
    return chosen


def _joined(
    baseline: Mapping[tuple[str, str], int], units: KneeUnits, counts: Counter[str]
) -> dict[str, tuple[str, str]]:
    """The knees of the table that are the archive's: (patient, side) by unit."""
    knees = {}
    for knee in baseline:
        found = units.of_knee(*knee)
        if len(found) > 1:
            raise InputError("a knee of the table fits units of several sites; join it with an archive of one site.")
        knees |= dict.fromkeys(found, knee)
        counts["knees of the table that are not in the archive"] += not found
    counts["knees of the archive without a baseline reading in the table"] = len(units.subjects) - len(knees)
    return dict(sorted(knees.items()))


def _compare(now: Mapping[str, int], archive: Archive, counts: Counter[str]) -> None:
    """Count the grades that the archive has and the table contradicts."""
    known = archive.outcome(OUTCOME) if OUTCOME in archive.outcomes() else pl.DataFrame(schema=_FRAME)
    told = [(now[unit], value) for unit, value in known.select("unit_id", "value").iter_rows() if unit in now]
    counts["knees with a grade in the archive and in the table"] = len(told)
    counts["of them with different grades"] = sum(here != there for here, there in told)


def _outcome(
    now: Mapping[str, int], later: Mapping[str, int | None], units: KneeUnits, *, of: tuple[int, ...]
) -> pl.DataFrame:
    rows = [
        (unit, units.subjects[unit], float(worsened(now[unit], end)))
        for unit, end in later.items()
        if end is not None and now[unit] in of
    ]
    return pl.DataFrame(rows, schema=_FRAME, orient="row")


def _by_grade(now: Mapping[str, int], later: Mapping[str, int | None]) -> pl.DataFrame:
    rows = []
    for grade in GRADES:
        ends = [later[unit] for unit in now if now[unit] == grade]
        there = [end for end in ends if end is not None]
        events = sum(worsened(grade, end) for end in there) if grade < max(GRADES) else None
        rows.append((grade, len(ends), len(there), len(ends) - len(there), events))
    columns = ("baseline_grade", "knees", "followed", "missing", "worsened")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.Int64), orient="row")
