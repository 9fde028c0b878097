"""Read patients and dates from a user's table, as an archive numbers them."""

import datetime as dt
from pathlib import Path

import polars as pl

from semeia.archive import Archive
from semeia.archive.register import Register, register_of
from semeia.errors import InputError
from semeia.readers.rows import LEFT_OUT, Faults, Row, read_rows

PSEUDONYM = "pseudonym"
IDS = ("patient_id", "subject_id", "person_id")
TIMES = ("time", "date")


def read_dates(
    file: str | Path,
    archive: Archive,
    *,
    key: str | Path | None = None,
    skip_bad_rows: int = 0,
    named: tuple[str, ...] = (),
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Read at which dates patients are looked at.

    Args:
        file: One row a patient and date. Columns: `time` or `date` in ISO (2020-06-01, 2020-06-01 10:00, with a zone
            or in UTC; a date without a time of day is the end of that day; moved like the archive's, where those were,
            unless patients are named by pseudonym); and `patient_id`, `subject_id` or
            `person_id` with the hospital's own id (and `site`, where one id is at several), or `pseudonym`.
        named: What its columns are called, where they have other names: "patient_id=Fall".

    Returns:
        subject_id (the archive's), time in UTC without a zone, in the order of the file; and what was counted, in
            words.

    Raises:
        InputError: Names up to ten rows whose date is not ISO or whose patient is not in the archive; or the ids are
            the hospital's and there is no key.
    """
    rows = read_rows(file, required=(), known=(PSEUDONYM, *IDS, *TIMES, "site"), named=named)
    cells = rows[0].cells
    whose = next((name for name in (PSEUDONYM, *IDS) if name in cells), None)
    when = next((name for name in TIMES if name in cells), None)
    if whose is None or when is None:
        raise InputError(
            f"{file}: needs a column time (or date), and patient_id (or subject_id, person_id) with the hospital's own "
            "id, or pseudonym; --map patient_id=COLUMN says which one it is."
        )
    numbers = dict(archive.table("subjects").select("pseudonym", "subject_id").iter_rows())
    ours = all(row.cells[whose] in numbers for row in rows)  # our own tables call the pseudonym subject_id
    register = None if ours or whose == PSEUDONYM else register_of(archive, key=key)

    days = {} if register is None else register.days

    def checked(row: Row) -> tuple[int, dt.datetime]:
        number, time = _number(row, whose, numbers, register), row.time(when, ends=True)
        return number, time + dt.timedelta(days=days.get(number, 0))

    faults = Faults(skip=skip_bad_rows)
    sections = faults.keep(rows, checked)
    left_out = faults.settle()
    table = pl.DataFrame(sections, schema={"subject_id": pl.Int64, "time": pl.Datetime("us")}, orient="row")
    return table, {LEFT_OUT: left_out} if left_out else {}


def _number(row: Row, column: str, numbers: dict[str, int], register: Register | None) -> int:
    """The archive's number of the patient that a row names."""
    original = row.identity(column)
    if register is None:
        names = (original,) if original in numbers else ()
    else:
        names = register.pseudonyms(original, site=row.cells.get("site"))
    if len(names) == 1:
        return numbers[names[0]]
    if names:
        raise row.error(column, f"is the id of {len(names)} patients, of several sites; add a column site.")
    what = "a pseudonym" if register is None else "the hospital's id (not a number that the archive gave)"
    raise row.error(column, f"names a patient who is not in the archive; it must be {what} of one who is.")
