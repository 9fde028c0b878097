"""Ingest a hospital's DICOM files and OMOP tables, linked: patients with both, through time.

The link is `image_occurrence` of OMOP's imaging extension (MI-CDM): which person's each series is, and of what day. A
patient's id in the DICOM headers is not used, since a hospital has other numbers there than in its record.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from semeia.archive import PRIVACY, Privacy, Summary, Writer, writing
from semeia.archive.identity import canonical
from semeia.errors import InputError
from semeia.readers.dicom.ingest import add_images, index_folder, processes_for
from semeia.readers.dicom.series import Stack, stacks_of
from semeia.readers.records.cells import utc
from semeia.readers.records.omop import omop_tables, take_omop
from semeia.readers.records.omop_sql import text_of, time_of
from semeia.readers.records.record import opened, scratch_of
from semeia.readers.records.sources import add_table, columns_of, frame_of, reading
from semeia.readers.records.staging import warn_of_loss
from semeia.readers.rows import LEFT_OUT, Faults, Row, folder_given, read_rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LINK = "image_occurrence"
_PERSON, _INDEX, _NOT_OUTCOMES = "person_id", "index_date", ("site", "split", "synthetic")
UNLINKED = "series that no row of image_occurrence names"
OF_NOBODY = "series of a person who is not in the record"
ABSENT = "rows of image_occurrence name a series that is not in the folder, or of which no image can be read"
OTHER_DAY = "series have another day in their header than in image_occurrence, which was believed"
NO_INDEX = "patients have neither a dated image nor a row among the labels and are not predicted on"
STRANGERS = "rows of labels are of nobody in the record and were left out"
SHARED = "patient ids of the DICOM headers are linked to several persons"


@dataclass(frozen=True)
class Linked:
    """One row of image_occurrence: whose series it is (None: nobody's in the record) and when."""

    owner: tuple[int, str] | None
    time: dt.datetime | None


def ingest_hospital(
    folder: str | Path,
    *,
    into: str | Path,
    images: str = "dicom",
    record: str = "omop",
    labels: str | Path | None = None,
    key: str | Path | None = None,
    settings: Privacy = PRIVACY,
    workers: int | None = None,
    skip_bad_rows: int = 0,
    named: tuple[str, ...] = (),
) -> Summary:
    """Read a hospital's DICOM files and OMOP tables into an archive, linked by `image_occurrence`.

    Args:
        folder: Holds both.
        images: Subfolder of the DICOM files, of any name and order.
        record: Subfolder of the OMOP tables, with `image_occurrence` (person_id, image_series_uid,
            image_occurrence_date).
        labels: Table of index dates and outcomes: person_id, index_date, and a column an outcome (0, 1 or a grade;
            empty where it is not known); by default `labels.csv` in the folder, where there is one. Whoever is not in
            it is unlabelled, with the newest image as index date.
        workers: Processes that read headers and decode; by default one a processor, at most 4.
        skip_bad_rows: How many rows of labels may be left out because of a fault; by default none.
        named: What columns of the labels are called, where they have other names: "person_id=Patient".

    Returns:
        What was added: events, images of patients at their dates, units (a patient at an index date), outcomes.

    Raises:
        InputError: A part is missing, nothing is linked, or labels are none (up to ten rows are named); no patient
            and no image file is named.
    """
    source = folder_given(folder)
    tables = omop_tables(folder_given(source / record))
    if LINK not in tables:
        raise InputError(f"{source / record}: has no table {LINK}, which says whose each series of images is.")
    given = source / "labels.csv" if labels is None else Path(labels)
    there = labels is not None or given.is_file()
    rows = read_rows(given, required=(_PERSON, _INDEX), named=named) if there else []
    processes = processes_for(workers)
    index = index_folder(folder_given(source / images), workers=processes)
    stacks, left_out = stacks_of(index.headers)
    left_out += index.left_out
    simulated = bool(rows) and all(row.synthetic for row in rows)
    name = "simulated hospital (DICOM and OMOP)" if simulated else "hospital (DICOM and OMOP)"
    with writing(into, source=name, key=key, privacy=settings) as draft:
        with opened(draft, source / record) as connection:
            take_omop(draft, connection, tables, others=(LINK,))
            links = _links(draft, connection, tables[LINK])
            people = _people(connection)
        looks = _labelled(draft, rows, people, Faults(skip=skip_bad_rows))
        kept, owners, times = _linked(draft, stacks, links, left_out)
        newest = add_images(draft, kept, owners, left_out=left_out, workers=processes, times=times)
        _add_units(draft, looks, people, newest)
    return draft.summary


def _links(draft: Writer, connection: "DuckDBPyConnection", files: list[Path]) -> dict[str, Linked]:
    """The rows of image_occurrence by series; one that two persons share is an error of the table."""
    add_table(connection, LINK, files, scratch=scratch_of(draft))
    columns = {LINK: columns_of(connection, LINK)}
    if absent := [name for name in (_PERSON, "image_series_uid") if name not in columns[LINK]]:
        raise InputError(f"{LINK}: lacks the column(s) {', '.join(absent)}.")
    when = time_of(columns, LINK, LINK)
    with reading(LINK):
        rows = frame_of(
            connection,
            f"SELECT DISTINCT {text_of(columns, LINK, 'image_series_uid')} AS series, n.subject_id, n.pseudonym, "
            f"believed({utc(when, 'VARCHAR')}) AS time FROM {LINK} t LEFT JOIN numbered n "
            "ON n.original = plain_id(t.person_id) WHERE series IS NOT NULL ORDER BY ALL",
        )
    if several := rows.height - rows["series"].n_unique():
        raise InputError(f"{LINK}: {several} series are in several rows that differ; settle whose and when they are.")
    return {
        series: Linked(None if subject_id is None else (subject_id, pseudonym), time)
        for series, subject_id, pseudonym, time in rows.iter_rows()
    }


def _people(connection: "DuckDBPyConnection") -> dict[str, tuple[int, str]]:
    """subject_id and pseudonym of each person of the record."""
    rows = frame_of(connection, "SELECT original, subject_id, pseudonym FROM numbered ORDER BY subject_id")
    return {canonical(original): (subject_id, pseudonym) for original, subject_id, pseudonym in rows.iter_rows()}


def _linked(
    draft: Writer, stacks: Iterable[Stack], links: dict[str, Linked], left_out: Counter[str]
) -> tuple[list[Stack], list[tuple[int, str]], dict[str, dt.datetime]]:
    """The stacks that are somebody's, whose they are, and the moment of each series."""
    kept, owners, times, other_day = [], [], {}, set()
    persons: dict[str, set[int]] = {}
    for stack in stacks:
        series, link = stack.header.series, links.get(stack.header.series)
        if link is None or link.owner is None:
            left_out[UNLINKED if link is None else OF_NOBODY] += 1
            continue
        kept.append(stack)
        owners.append(link.owner)
        persons.setdefault(stack.header.patient, set()).add(link.owner[0])
        told = stack.when[0] if stack.when else None
        if link.time is not None and (told is None or told.date() != link.time.date()):
            times[series] = link.time
            other_day |= {series} if told else set()
    draft.count(OTHER_DAY, len(other_day))
    shared = sum(len(whose) > 1 for whose in persons.values())
    draft.count(SHARED, shared)
    warn_of_loss(draft, SHARED, shared, of=0)
    draft.count(ABSENT, len(links.keys() - {stack.header.series for stack in kept}))
    if not kept:
        raise InputError(f"{LINK}: names none of the {sum(left_out.values())} series of images in the folder.")
    return kept, owners, times


@dataclass(frozen=True)
class Look:
    """One row of the labels: whose, the index date, the outcomes that are known."""

    owner: tuple[int, str]
    index: dt.datetime
    values: dict[str, float]


def _labelled(draft: Writer, rows: list[Row], people: dict[str, tuple[int, str]], faults: Faults) -> list[Look]:
    """The rows of labels; those of nobody are left out, and counted."""
    outcomes = [name for name in (rows[0].cells if rows else ()) if name not in (_PERSON, _INDEX, *_NOT_OUTCOMES)]
    seen: dict[tuple[int, dt.date], Row] = {}

    def checked(row: Row) -> Look | None:
        owner, index = people.get(canonical(row.identity(_PERSON))), row.time(_INDEX, ends=True)
        values = {name: value for name in outcomes if (value := row.label_or_none(name)) is not None}
        if owner is None:
            return None
        first = seen.setdefault((owner[0], index.date()), row)
        if first is not row:
            raise row.error(_INDEX, f"repeats the person and day of row {first.number}; keep one.")
        return Look(owner, index, values)

    looks = faults.keep(rows, checked)
    draft.count(LEFT_OUT, faults.settle())
    draft.count(STRANGERS, looks.count(None))
    return [look for look in looks if look is not None]


def _add_units(
    draft: Writer,
    looks: list[Look],
    people: dict[str, tuple[int, str]],
    newest: dict[int, dt.datetime | None],
) -> None:
    """Add patients at their index dates: those of the labels, and for everyone else the newest image."""
    often = Counter(look.owner for look in looks)
    for look in looks:
        subject_id, pseudonym = look.owner
        unit_id = pseudonym if often[look.owner] == 1 else f"{pseudonym}/{draft.shown(subject_id, look.index):%Y%m%d}"
        draft.unit(unit_id, subject_id, "patient", time=look.index)
        for outcome, value in look.values.items():
            draft.outcome(outcome, unit_id, subject_id, value=value, prediction_time=look.index)
    done = {look.owner[0] for look in looks}
    for subject_id, pseudonym in people.values():
        index = newest.get(subject_id)
        if subject_id not in done and index is not None:
            draft.patient_unit(subject_id, pseudonym, time=index)
            done.add(subject_id)
    draft.count(NO_INDEX, len(people) - len(done))
