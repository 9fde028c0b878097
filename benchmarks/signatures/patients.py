"""Simulated patients for the benchmarks: a few codes of every mode each, some of which come back often."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive import Archive, open_archive, writing

SHARES = {"measurement": 0.45, "condition": 0.35, "medication": 0.20}
CODES = {"measurement": 400, "condition": 1500, "medication": 600}
EVENTS_A_PATIENT = 200
OWN_CODES = 15  # of each mode; the r-th comes up in proportion to 1 / r
PATIENTS_AT_A_TIME = 10_000
_DAY = 86_400_000_000
MODES = {f"{mode}/{number:04d}": mode for mode in SHARES for number in range(CODES[mode])}
IN_WORDS = f"{EVENTS_A_PATIENT} events on average (long-tailed) in 0.1 to 20 years; events are " + ", ".join(
    f"{share:.0%} {mode}s of {CODES[mode]} codes" for mode, share in SHARES.items()
)


def patients_for(events: int) -> int:
    """How many patients have about so many events."""
    return max(events // EVENTS_A_PATIENT, 200)


def batches(patients: int) -> Iterator[pl.DataFrame]:
    """The events of patients 1 to `patients`, some thousand patients at a time."""
    rng = np.random.default_rng(0)
    for first in range(1, patients + 1, PATIENTS_AT_A_TIME):
        yield simulated(rng, first, min(PATIENTS_AT_A_TIME, patients + 1 - first), list(MODES))


def simulated_archive(path: Path, events: int) -> Archive:
    """An archive of simulated patients with about `events` events."""
    with writing(path, source="simulated patients") as draft:
        for number in range(patients_for(events)):
            draft.subject(str(number))
        draft.codes(pl.DataFrame({"code": list(MODES), "mode": list(MODES.values()), "rule": "simulated"}))
        for batch in batches(patients_for(events)):
            draft.events(batch)
    return open_archive(path)


def simulated(rng: np.random.Generator, first: int, patients: int, codes: list[str]) -> pl.DataFrame:
    """Events of patients numbered from `first`: each has a few codes of every mode, some of which come back often."""
    counts = np.maximum(rng.lognormal(np.log(EVENTS_A_PATIENT) - 0.5, 1.0, patients).astype(int), 1)
    patient = np.repeat(np.arange(patients), counts)
    years = rng.gamma(2.0, 2.5, patients).clip(0.1, 20)[patient]
    begin = np.datetime64("2005-01-01", "D").astype(int) + rng.integers(0, 3650, patients)[patient]
    time = begin * _DAY + (rng.random(len(patient)) * years * 365.25 * _DAY).astype(np.int64)
    mode = rng.choice(len(SHARES), len(patient), p=list(SHARES.values()))
    rank = np.floor(OWN_CODES ** rng.random(len(patient))).astype(int)
    # Which code is a patient's r-th is a function of patient, mode and r; low numbers are popular.
    popular = rng.random((patients, len(SHARES), OWN_CODES))[patient, mode, rank - 1] ** 2
    sizes = np.array(list(CODES.values()))
    place = np.concatenate([[0], np.cumsum(sizes)[:-1]])[mode] + (popular * sizes[mode]).astype(int)
    value = np.where(mode == 0, rng.lognormal(popular * 4, 0.3), np.nan)
    return pl.DataFrame(
        {
            "subject_id": patient + first,
            "time": pl.Series(time).cast(pl.Datetime("us")),
            "code": pl.Series(codes).gather(place),
            "numeric_value": pl.Series(value.astype(np.float32)).fill_nan(None),
        }
    )
