"""Read reports of images from a user's table: texts by unit, or a part of an archive.

The text is taken as it is. Taking names, dates and numbers of patients out of it is the user's duty, before it comes
here; only the patient's own id is looked for.
"""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from semeia.archive import PRIVACY, Archive, Privacy, Summary, open_archive, writing
from semeia.archive.column_names import shown, there_are
from semeia.archive.identity import canonical
from semeia.errors import InputError
from semeia.readers.images.knees import KneeUnits, knee_units, side_of
from semeia.readers.rows import LEFT_OUT, Faults, Row, read_rows

LONGEST = 20_000
_LOST = "\N{REPLACEMENT CHARACTER}"
_SHORTEST_ID = 4  # a shorter one, such as 12, stands in many a text by chance


def read_reports(
    file: str | Path, archive: Archive, *, key: str | Path | None = None, skip_bad_rows: int = 0
) -> pl.DataFrame:
    """Read the reports of an archive's units from a table.

    Args:
        file: CSV, TSV or parquet in UTF-8, one row a unit. Columns: text (the impression, say); and patient_id with
            side (L or R), or image (the path as it was in the table of the images), or all of them: the image is
            read where the side is U. One report on both knees is two rows.

    Returns:
        unit_id, text; one row a unit, sorted. Rows about what the archive does not hold are left out, and so are
            repetitions of the same text.

    Raises:
        InputError: Names the row and column, never the patient: no text or one of over 20,000 characters, letters
            lost in conversion, the patient's id in the text, two texts of one unit; or no row is about a unit.
    """
    return _found(file, archive, key=key, skip_bad_rows=skip_bad_rows).texts


def ingest_reports(
    file: str | Path,
    *,
    into: str | Path,
    key: str | Path | None = None,
    settings: Privacy = PRIVACY,
    skip_bad_rows: int = 0,
    named: tuple[str, ...] = (),
) -> Summary:
    """Add reports to the units of an archive. Take names and dates out of them first: nothing does that here.

    Args:
        file: Table of the reports, in UTF-8: text, and patient_id with side (L or R), or image.
        named: What its columns are called, where they have other names: "text=Befund".

    Returns:
        What was added; rows about what the archive does not hold are counted on the part's record. Where a column
            `synthetic` is true, as in the tables of `semeia.worlds`, the part's source says so.

    Raises:
        InputError: As `read_reports`; or a unit has a report already. Nothing is written then.
    """
    archive = open_archive(into)
    found = _found(file, archive, key=key, skip_bad_rows=skip_bad_rows, named=named)
    subjects = dict(archive.table("units").select("unit_id", "subject_id").iter_rows())
    with writing(
        into, source="synthetic reports" if found.synthetic else "reports", key=key, privacy=settings
    ) as draft:
        for unit_id, text in found.texts.iter_rows():
            draft.report(unit_id, subjects[unit_id], text=text)
        draft.count("reports of what is not in the archive, left out", found.left_out)
        draft.count(LEFT_OUT, found.faulty)
        if found.unread:
            draft.notes["columns not read"] = found.unread
    return draft.summary


@dataclass(frozen=True)
class _Found:
    """Reports by unit (unit_id, text), how many rows are about no unit, and whether any report is made up."""

    texts: pl.DataFrame
    left_out: int
    synthetic: bool
    faulty: int
    unread: list[str]


def _found(
    file: str | Path, archive: Archive, *, key: str | Path | None, skip_bad_rows: int, named: tuple[str, ...] = ()
) -> _Found:
    units = knee_units(archive, key=key)
    rows = read_rows(file, required=("text",), known=("patient_id", "side", "image", "synthetic"), named=named)
    columns = rows[0].cells.keys()
    if "image" not in columns and not {"patient_id", "side"} <= columns:
        raise InputError(f"{file}: lacks the column(s) patient_id and side, or image. {there_are(list(columns))}")
    first: dict[str, Row] = {}

    def checked(row: Row) -> str | None:
        text, unit = _checked_text(row), _unit(row, units)
        if unit is not None and (other := first.setdefault(unit, row)).cells["text"] != text:
            raise row.error("text", f"is another text than that of row {other.number} on the same unit; join the two.")
        return unit

    faults = Faults(skip=skip_bad_rows)
    left_out = faults.keep(rows, checked).count(None)
    faulty = faults.settle()
    if not first:
        raise InputError(f"{file}: none of the {len(rows)} reports is about a unit of {archive.path}; check the ids.")
    unread = shown(sorted(set(columns) - {"text", "patient_id", "side", "image", "synthetic"}))
    found = sorted((unit, row.text("text")) for unit, row in first.items())
    texts = pl.DataFrame(found, schema={"unit_id": pl.String, "text": pl.String}, orient="row")
    return _Found(texts, left_out, any(row.synthetic for row in first.values()), faulty, unread)


def _checked_text(row: Row) -> str:
    text, patient = row.text("text"), row.cells.get("patient_id")
    if len(text) > LONGEST:
        raise row.error("text", f"has {len(text)} characters, at most {LONGEST} are read; keep the impression.")
    if _LOST in text:
        raise row.error("text", "holds letters that were lost in a conversion; export it again in UTF-8.")
    forms = () if patient is None else (patient, canonical(patient))
    if any(len(form) >= _SHORTEST_ID and form.casefold() in text.casefold() for form in forms):
        raise row.error("text", "holds the patient's id; take names, ids and dates out of all texts first.")
    return text


def _unit(row: Row, units: KneeUnits) -> str | None:
    """The unit a row is about; None when the archive does not hold it."""
    side = side_of(row)
    if side != "U" and "patient_id" in row.cells:
        column, found = "patient_id", units.of_knee(row.identity("patient_id"), side)
    elif "image" in row.cells:
        column, found = "image", units.of_image(row.text("image"))
    else:
        raise row.error("side", "must be L or R where there is no column image.")
    if len(found) > 1:
        raise row.error(column, f"fits {len(found)} units of the archive; name patients and images apart.")
    return found[0] if found else None
