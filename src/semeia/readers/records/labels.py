"""Read what is predicted in a mapped record: units such as stays, and their outcomes."""

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

from semeia.archive import Writer
from semeia.archive.duck import limited, literal
from semeia.archive.table_file import LABEL_WORDS
from semeia.errors import InputError
from semeia.readers.records.cells import HOW, utc
from semeia.readers.records.mapping import Outcome, Units
from semeia.readers.records.sources import frame_of, reading, type_of
from semeia.readers.rows import odd_labels

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Stays = dict[tuple[int, str], str]


def add_units(draft: Writer, connection: "DuckDBPyConnection", units: Units) -> Stays:
    """Add the units; their unit_id by subject and original id. They are named by keyed hashes."""
    facts = {name: f"({expression})" for name, expression in units.covariates.items()}
    found = _rows(draft, connection, units, {"unit": f"plain_id({units.unit})", **facts}, time=units.time)
    several = found.filter(found.select("subject_id", "unit").is_duplicated())
    if several.height:
        raise InputError(
            f"{units.kind}: {several.n_unique(['subject_id', 'unit'])} units have several rows ({several.height} "
            "together); give each one row, with 'where' or in 'prepare'."
        )
    ids: Stays = {}
    for row in found.iter_rows(named=True):
        if row["unit"] is None:
            raise InputError(f"{units.kind}: a unit has no id; leave such rows out with 'where'.")
        subject_id, original = int(row["subject_id"]), str(row["unit"])
        unit_id = f"{row['pseudonym']}/{draft.keyed(f'{units.kind}: {original}')}"
        covariates = {name: row[name] for name in facts}
        time: dt.datetime | None = row["time"]
        ids[subject_id, original] = draft.unit(unit_id, subject_id, units.kind, time=time, covariates=covariates)
    return ids


def add_outcome(draft: Writer, connection: "DuckDBPyConnection", outcome: Outcome, stays: Stays) -> None:
    """Add the labels of one outcome, of units or, where it names none, of patients."""
    columns = {
        "unit": f"plain_id({outcome.unit})",
        "value": _number(outcome.value),
        "given": f"({outcome.value})::VARCHAR",
    }
    found = _rows(draft, connection, outcome, columns, time=outcome.prediction_time)
    empty = found.filter(pl.col("value").is_null() | ~pl.col("value").is_finite())
    if empty.height:
        words = empty.filter(pl.col("given").str.strip_chars() != "").height
        raise InputError(
            f"outcome {outcome.name}: {empty.height} of {found.height} rows have no number ({outcome.value}), {words} "
            "of them something else; write 0 or 1, or leave such rows out with 'where'."
        )
    for row in found.iter_rows(named=True):
        subject_id, original = int(row["subject_id"]), row["unit"]
        pseudonym = str(row["pseudonym"])
        if outcome.unit == "NULL":
            unit_id = draft.patient_unit(subject_id, pseudonym)
        else:  # of this record, or of images that came with `--unit`
            unit_id = stays.get((subject_id, str(original))) or draft.known_unit(pseudonym, str(original))
        if unit_id is None:
            raise InputError(f"outcome {outcome.name}: a row is of a unit that is not among the units.")
        draft.outcome(outcome.name, unit_id, subject_id, value=float(row["value"]), prediction_time=row["time"])
    if words := odd_labels(outcome.name, draft.labels(outcome.name)):
        draft.notes["labels"] = "; ".join([str(draft.notes["labels"]), words] if "labels" in draft.notes else [words])


def _number(value: str) -> str:
    """SQL of a label; words that stand for one (true, yes, positive) are 1 and 0, as in every table."""
    text = f"lower(trim(CAST(({value}) AS VARCHAR)))"
    words = " ".join(f"WHEN {literal(word)} THEN {float(label)}" for word, label in LABEL_WORDS.items())
    return f"CASE {text} {words} ELSE TRY_CAST({text} AS DOUBLE) END"


def _rows(
    draft: Writer, connection: "DuckDBPyConnection", entry: Units | Outcome, columns: dict[str, str], *, time: str
) -> pl.DataFrame:
    """The rows of an entry whose subject is known: subject_id, pseudonym, time and `columns`, in a fixed order."""
    name, what = (entry.kind, "units") if isinstance(entry, Units) else (entry.name, "labels")
    with reading(name), limited(connection, name):
        listed = ", ".join(f'{expression} AS "{column}"' for column, expression in columns.items())
        when = utc(time, type_of(connection, time, entry.source))
        rows = frame_of(
            connection,
            f"SELECT n.subject_id, n.pseudonym, r.* EXCLUDE (original) FROM (SELECT plain_id({entry.subject}) "
            f"AS original, {when} AS time, ({time}) IS NOT NULL AS timed, {listed} FROM {entry.source} "
            f"WHERE {entry.where}) r LEFT JOIN numbered n ON n.original = r.original ORDER BY n.subject_id, r.unit",
        )
    known = rows.filter(pl.col("subject_id").is_not_null())
    draft.count(f"{what} ({name}) of nobody among the patients were left out", rows.height - known.height)
    if rows.height and known.is_empty():
        raise InputError(f"{name}: none of {rows.height} {what} is of a patient that is known; compare the ids.")
    unread = known.filter(pl.col("timed") & pl.col("time").is_null()).height
    if unread:
        raise InputError(f"{name}: {unread} of {rows.height} {what} have a time ({time}) that cannot be read. {HOW}.")
    return known.drop("timed")
