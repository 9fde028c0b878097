"""A small archive of health records on disk."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl

from record_frames import MODES, START, Event, event_frame
from semeia.archive import Archive, open_archive, writing

EXTRA = {"MEDS_BIRTH": "other", "RARE": "condition", "ORDERED": "measurement", "ADMIT": "other"}
PATIENTS = 12
VISITS = (200.0, 9000.0)  # hours after START; two units a patient


def random_rows(patients: int, events: int, *, seed: int = 0) -> list[Event]:
    """Events of patients 1, 2, ... over three years; each patient also has one of ORDERED, without a number."""
    rng = np.random.default_rng(seed)
    rows: list[Event] = []
    for subject in range(1, patients + 1):
        hours = np.round(rng.uniform(0, 24 * 1000, events))
        codes = rng.choice([*MODES, "ADMIT"], events)
        numbers = np.round(rng.lognormal(1, 0.5, events), 2)
        rows += [
            (subject, float(hour), str(code), float(number) if code[0] == "L" and number < 5 else None)
            for hour, code, number in zip(hours, codes, numbers, strict=True)
        ]
        rows += [(subject, float(hours[0]), "ORDERED", None), (subject, -24 * 365 * 40.0, "MEDS_BIRTH", None)]
    return [*rows, (1, 5.0, "RARE", None), (2, 6.0, "RARE", None)]


def record_archive(path: Path, rows: list[Event], *, patients: int, order: list[int] | None = None) -> Archive:
    """Patients known as person-1, person-2, ...; `order` is how they arrive, and so how they are numbered."""
    key = path.with_suffix(".hex")
    key.parent.mkdir(parents=True, exist_ok=True)
    key.write_text("5e" * 32)
    key.chmod(0o600)
    codes = MODES | EXTRA
    with writing(path, source="test", key=key) as draft:
        ids = {
            number: draft.subject(f"person-{number}", sex="FM"[number % 2])[0]
            for number in order or range(1, patients + 1)
        }
        draft.codes(pl.DataFrame({"code": list(codes), "mode": list(codes.values()), "rule": "test"}))
        frame = event_frame(rows)
        draft.events(frame.with_columns(pl.col("subject_id").replace_strict(ids, return_dtype=pl.Int64)))
    return open_archive(path)


def visit_archive(path: Path, rows: list[Event], *, dated: bool = True) -> Archive:
    """Two dated units a patient, at the hours of `VISITS`."""
    with writing(path, source="test") as draft:
        for number in range(1, PATIENTS + 1):
            subject, name = draft.subject(f"person-{number}")
            for visit, hours in enumerate(VISITS):
                time = START + dt.timedelta(hours=hours) if dated else None
                draft.unit(f"{name}/{visit}", subject, "visit", time=time)
        codes = [*MODES, "MEDS_BIRTH", "RARE", "ORDERED", "ADMIT"]
        modes = [*MODES.values(), "other", "condition", "measurement", "other"]
        draft.codes(pl.DataFrame({"code": codes, "mode": modes, "rule": "test"}))
        frame = event_frame(rows)
        order = {number: draft.subject(f"person-{number}")[0] for number in range(1, PATIENTS + 1)}
        draft.events(frame.with_columns(pl.col("subject_id").replace_strict(order, return_dtype=pl.Int64)))
    return open_archive(path)
