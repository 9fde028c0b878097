"""Read and write the table of signature expressions of MASILab/lmsignatures (Li et al. 2023, arXiv 2304.02836).

One row a session, columns by name: `pid, id, session, shifted_scan_date, Duration, lung_cancer, exp-000, ...`, and
`test_set` where there is a fixed split. `Duration` is the number of days from a session to the patient's last one.
"""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from semeia.archive import PRIVACY, Archive, Privacy, Summary, open_archive, writing
from semeia.archive.identity import canonical
from semeia.archive.table_file import read_table
from semeia.errors import InputError
from semeia.readers.features import Adding, numbered_columns, numbers_of
from semeia.readers.rows import Faults, Row, rows_of

PATIENT, DATE, SESSION, DAYS, LABEL, TEST, NUMBERS = (
    "pid",
    "shifted_scan_date",
    "session",
    "Duration",
    "lung_cancer",
    "test_set",
    "exp-",
)
DAY = dt.timedelta(days=1)


def ingest_expressions(
    table: str | Path,
    *,
    into: str | Path,
    modality: str = "signatures",
    outcome: str = LABEL,
    site: str | None = None,
    key: str | Path | None = None,
    settings: Privacy = PRIVACY,
    skip_bad_rows: int = 0,
) -> Summary:
    """Read a table of expressions, a row a session, into an archive: what is predicted on is the patient at the last.

    Args:
        table: CSV, TSV or parquet with pid, shifted_scan_date, exp-000, ...; and where there are any session, Duration,
            lung_cancer, test_set.
        modality: What the expressions are called in the archive.
        outcome: What the label is called there.
        site: The hospital that all of them are of.

    Raises:
        InputError: Names up to ten rows, never the patient: a number missing, a session twice, a Duration that does not
            fit the dates, two labels or splits of one patient. Nothing is written then.
    """
    given = read_table(table, required=(PATIENT, DATE), known=("id", SESSION, DAYS, LABEL, TEST))
    roles = [name for name in (PATIENT, DATE, SESSION, DAYS, LABEL, TEST) if name in given.frame.columns]
    matrix = numbers_of(given, numbered_columns(given, NUMBERS))
    places = {number: place for place, number in enumerate(given.rows)}
    faults = Faults(skip=skip_bad_rows)
    sessions = faults.keep(rows_of(given, roles), lambda row: (row, canonical(row.identity(PATIENT)), row.time(DATE)))
    last: dict[str, dt.datetime] = {}
    for _, patient, time in sessions:
        last[patient] = max(time, last.get(patient, time))
    told: dict[object, Row] = {}
    own: dict[str, list[tuple[Row, dt.datetime]]] = {}
    for row, patient, time in faults.keep(sessions, lambda one: _checked(*one, last=last, told=told)):
        own.setdefault(patient, []).append((row, time))
    adding = Adding(modality, faults)
    with writing(into, source=f"expressions: {modality}", key=key, privacy=settings) as draft:
        for patient in sorted(own):
            row = own[patient][0][0]  # label and split are the same in all
            split = None if TEST not in roles else ("test" if row.label_or_none(TEST) else "train")
            subject_id, pseudonym = draft.subject(patient, site=site, split=split)
            unit_id = draft.patient_unit(subject_id, pseudonym, time=last[patient])
            for row, time in own[patient]:
                vector = matrix[places[row.number]]
                faults.keep([vector], lambda vector: adding.add(draft, row, subject_id, time, vector))  # noqa: B023
            label = row.label_or_none(LABEL)
            if label is not None:
                draft.outcome(outcome, unit_id, subject_id, value=label, prediction_time=last[patient])
        adding.settle(draft)
    return draft.summary


def _checked(
    row: Row, patient: str, time: dt.datetime, *, last: Mapping[str, dt.datetime], told: dict[object, Row]
) -> tuple[Row, str, dt.datetime]:
    """A row held against the other rows of its patient."""
    days = row.number_or_none(DAYS)
    if days is not None and abs(days - (last[patient] - time) / DAY) >= 1:
        raise row.error(DAYS, f"is not the {(last[patient] - time).days} days to the patient's last session.")
    session = row.cells.get(SESSION)
    if session is not None and (other := told.setdefault((patient, session), row)) is not row:
        raise row.error(SESSION, f"repeats the session of row {other.number}.")
    for column, words in ((LABEL, "label"), (TEST, "side of the split")):
        value = row.label_or_none(column)
        other = told.setdefault((patient, column), row)
        if other.label_or_none(column) != value:
            raise row.error(column, f"this patient has another {words} in row {other.number}.")
    return row, patient, time


def expressions_table(archive: Path, *, modality: str = "signatures", outcome: str | None = None) -> pl.DataFrame:
    """Write the expressions that an archive holds as that table.

    Args:
        archive: with arrays of that name, one number a signature.
        modality: their name.
        outcome: what goes into the column lung_cancer; by default the outcome of that name, where there is one.

    Returns:
        pid (the pseudonym), id, session (1 is the first), shifted_scan_date, Duration, lung_cancer, test_set (where
            there is a fixed split), exp-000, ...

    Raises:
        InputError: No such arrays, of several shapes, or without dates; two labels of one patient.
    """
    opened = open_archive(archive)
    found = opened.arrays(modality)
    if found.is_empty():
        there = ", ".join(sorted(opened.table("arrays")["modality"].unique())) or "none"
        raise InputError(f"{archive}: holds no arrays '{modality}'; it has {there}.")
    shapes = found["shape"].unique().to_list()
    if len(shapes) > 1 or len(shapes[0]) > 1:
        raise InputError(f"{archive}: '{modality}' is no list of numbers a date; expressions are.")
    if undated := found["time"].null_count():
        raise InputError(f"{archive}: {undated} of {found.height} '{modality}' have no date.")
    people = opened.table("subjects").select("subject_id", "split", pid="pseudonym")
    rows = (
        found.join(people, on="subject_id", how="left", maintain_order="left")
        .sort("pid", "time", "array_id")
        .with_columns(session=pl.int_range(1, pl.len() + 1).over("pid"), last=pl.col("time").max().over("pid"))
        .join(_labels(opened, outcome), on="subject_id", how="left", maintain_order="left")
    )
    width = max(3, len(str(shapes[0][0] - 1)))
    vectors = pl.DataFrame(
        [opened.pixels(row).tolist() for row in rows.iter_rows(named=True)],
        schema={f"{NUMBERS}{place:0{width}d}": pl.Float32 for place in range(shapes[0][0])},
        orient="row",
    )
    facts = rows.select(
        "pid",
        pl.format("{}-{}", "pid", "session").alias("id"),
        SESSION,
        pl.col("time").dt.strftime("%Y-%m-%d").alias(DATE),
        (pl.col("last").dt.date() - pl.col("time").dt.date()).dt.total_days().alias(DAYS),
        pl.col("label").cast(pl.Int64).alias(LABEL),
        *([pl.col("split").eq("test").cast(pl.Int64).alias(TEST)] if rows["split"].is_not_null().any() else []),
    )
    return pl.concat([facts, vectors], how="horizontal")


def _labels(archive: Archive, outcome: str | None) -> pl.DataFrame:
    """The label of each patient: subject_id, label."""
    if outcome is None and LABEL not in archive.outcomes():
        return pl.DataFrame(schema={"subject_id": pl.Int64, "label": pl.Float64})
    labels = archive.outcome(outcome or LABEL).group_by("subject_id").agg(pl.col("value").unique())
    several = labels.filter(pl.col("value").list.len() > 1).height
    if several:
        raise InputError(
            f"{archive.path}: {several} patients have units with different labels of '{outcome or LABEL}'; the table "
            "has one a patient."
        )
    return labels.select("subject_id", label=pl.col("value").list.first())
