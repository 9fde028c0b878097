"""Frames of a small health record, as an archive would give them."""

import datetime as dt
from collections.abc import Sequence

import polars as pl

from semeia.signatures.channels import Channels, numbered

START = dt.datetime(2019, 12, 30, 6)
Event = tuple[int, float | None, str, float | None]  # subject, hours after START, code, value

MODES = {
    "C/1": "condition",
    "C/2": "condition",
    "L/1": "measurement",
    "L/2": "measurement",
    "D/1": "medication",
    "D/2": "medication",
    "RACE//X": "demographic",
}


def event_frame(rows: Sequence[Event]) -> pl.DataFrame:
    """Events in the archive's columns, in the order given."""
    times = [None if hours is None else START + dt.timedelta(hours=hours) for _, hours, _, _ in rows]
    return pl.DataFrame(
        {
            "subject_id": [row[0] for row in rows],
            "time": times,
            "code": [row[2] for row in rows],
            "numeric_value": [row[3] for row in rows],
            "text_value": [None] * len(rows),
        },
        schema={
            "subject_id": pl.Int64,
            "time": pl.Datetime("us"),
            "code": pl.String,
            "numeric_value": pl.Float32,
            "text_value": pl.String,
        },
    )


def section_frame(rows: Sequence[tuple[int, float]]) -> pl.DataFrame:
    """Sections at (subject, hours after START), in the order given."""
    return pl.DataFrame(
        {"subject_id": [row[0] for row in rows], "time": [START + dt.timedelta(hours=row[1]) for row in rows]},
        schema={"subject_id": pl.Int64, "time": pl.Datetime("us")},
    )


def people(number: int) -> pl.DataFrame:
    """Subjects 1, 2, ...: odd ones female, the fourth without sex and birth."""
    ids = list(range(1, number + 1))
    return pl.DataFrame(
        {
            "subject_id": ids,
            "pseudonym": [f"pseudonym-{n}" for n in ids],
            "sex": [None if n == 4 else "FM"[n % 2 == 0] for n in ids],
            "birth": [None if n == 4 else dt.date(1950 + n, 3, 1) for n in ids],
        },
        schema={"subject_id": pl.Int64, "pseudonym": pl.String, "sex": pl.String, "birth": pl.Date},
    )


def small_channels(modes: dict[str, str] | None = None) -> Channels:
    """Channels of `MODES`, age and both sexes."""
    modes = {
        **(MODES if modes is None else modes),
        "age": "demographic",
        "sex=F": "demographic",
        "sex=M": "demographic",
    }
    rows = [{"code": code, "mode": mode, "name": code, "unit": None, "fill": None} for code, mode in modes.items()]
    kinds = {"code": pl.String, "mode": pl.String, "name": pl.String, "unit": pl.String, "fill": pl.Float64}
    return numbered([pl.DataFrame(rows, schema=kinds)])
