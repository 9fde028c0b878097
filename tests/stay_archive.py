"""A small archive of stays in intensive care, at several hospitals, with an outcome a day after admission."""

import datetime as dt
from collections.abc import Collection
from pathlib import Path

import numpy as np
import polars as pl

from record_frames import MODES, START, Event, event_frame
from semeia.archive import Archive, open_archive, writing
from semeia.signatures.ica.settings import IcaSettings
from semeia.signatures.settings import SignatureSettings
from semeia.signatures.window import Window

PATIENTS, HOSPITALS = 120, 8
# Every so many patients leave before the day is over, and have no label.
SHORT = 6
OUTCOME = "hospital_mortality"
DAY = dt.timedelta(hours=24)
# Four signatures in seconds; how well they converge is not what is tested with them.
SIGNATURES = SignatureSettings(
    components=4,
    least_patients=5,
    at_least=400,
    window=Window(24, 1),
    draws=0,
    starts=0,
    accept_unconverged=True,
    ica=IcaSettings(most_iterations=60),
)
EXTRA = {"MEDS_BIRTH": "other", "ONLY/SEVEN": "condition"}


def stay_rows(patient: int) -> list[Event]:
    """A patient's events; those who will die have more of C/1 and a higher L/1, and events at the very 24 h."""
    rng = np.random.default_rng(patient)
    hours = 12 if patient % SHORT == 0 else 60
    rows: list[Event] = [(patient, 0.0, "C/2", None), (patient, -24 * 365.25 * 50, "MEDS_BIRTH", None)]
    for hour in np.sort(rng.uniform(0, hours, 20 + patient % 7)):
        code = str(rng.choice(["C/1", "C/2", "L/1", "L/2", "D/1", "D/2"], p=_shares(patient)))
        value = float(np.round(rng.normal(3 + 2 * dies(patient), 1), 2)) if code[0] == "L" else None
        rows.append((patient, float(hour), code, value))
    if patient % HOSPITALS == 7:
        rows += [(patient, 2.0, "ONLY/SEVEN", None), (patient, 24.0, "L/2", 9.0)]
    return rows


def dies(patient: int) -> bool:
    """About every fourth."""
    return patient % 4 == 1


def _shares(patient: int) -> list[float]:
    first = 0.3 if dies(patient) else 0.1
    return [first, *[(1 - first) / 5] * 5]


def stay_archive(
    path: Path,
    *,
    later: Collection[int] = (),
    other: Collection[int] = (),
    patients: int = PATIENTS,
    pseudonyms: str = "5e" * 32,
) -> Archive:
    """The archive.

    Args:
        path: where.
        later: patients who get further events after their time of prediction.
        other: patients whose whole record is another one.
        patients: how many.
        pseudonyms: the key that makes them.
    """
    key = path.with_suffix(".key")
    key.parent.mkdir(parents=True, exist_ok=True)
    key.write_text(pseudonyms)
    key.chmod(0o600)
    codes = MODES | EXTRA
    rows: list[Event] = []
    with writing(path, source="test", key=key) as draft:
        ids = {}
        for number in range(1, patients + 1):
            born = dt.date(1940 + number % 40, 3, 1)
            site, sex = f"hospital {number % HOSPITALS}", "FM"[number % 2]
            ids[number], name = draft.subject(f"person-{number}", site=site, sex=sex, birth=born)
            draft.unit(f"{name}/stay", ids[number], "stay", time=START, covariates={"unit_type": "AB"[number % 2]})
            if number % SHORT:
                time = START + DAY
                draft.outcome(OUTCOME, f"{name}/stay", ids[number], value=int(dies(number)), prediction_time=time)
            rows += [(number, 1.0, "D/1", None)] * 3 if number in other else stay_rows(number)
            if number in later:
                rows += [(number, 24.001, "C/1", None), (number, 30.0, "L/1", 99.0), (number, 200.0, "D/2", None)]
        draft.codes(pl.DataFrame({"code": list(codes), "mode": list(codes.values()), "rule": "test"}))
        frame = event_frame(rows)
        draft.events(frame.with_columns(pl.col("subject_id").replace_strict(ids, return_dtype=pl.Int64)))
    return open_archive(path)
