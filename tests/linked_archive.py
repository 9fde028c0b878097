"""A small archive of patients with scans (features with dates) and a record, both following one latent through time."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive import Archive, open_archive, writing
from semeia.signatures.ica.settings import IcaSettings
from semeia.signatures.settings import SignatureSettings

INDEX = dt.datetime(2021, 6, 1, 12)
OUTCOME, SCAN, FEATURES = "cancer", "scan", 6
CODES = {"C/1": "condition", "C/2": "condition", "L/1": "measurement", "L/2": "measurement", "D/1": "medication"}
# Four signatures in a second; how well they converge is not what is tested with them.
SIGNATURES = SignatureSettings(
    components=3,
    least_patients=4,
    at_least=300,
    draws=0,
    starts=0,
    accept_unconverged=True,
    ica=IcaSettings(most_iterations=60),
)


def day(count: float) -> dt.datetime:
    return INDEX + dt.timedelta(days=count)


def latent(rng: np.random.Generator, days: np.ndarray) -> np.ndarray:
    """An Ornstein-Uhlenbeck process of unit variance that forgets in three years, at rising days."""
    value, path = rng.normal(), []
    for gap in np.diff(days, prepend=days[0]):
        kept = np.exp(-gap / 1100)
        value = kept * value + np.sqrt(1 - kept**2) * rng.normal()
        path.append(value)
    return np.array(path)


def linked_archive(
    path: Path,
    patients: int = 40,
    *,
    first: int = 0,
    site: str = "north",
    later: bool = False,
    until: float = np.inf,
    scanless: int = 7,
    recordless: int = 5,
    labelled: int = 2,
) -> Archive:
    """Write the archive.

    Args:
        path: where.
        patients: how many; their content is a function of their number.
        first: number of the first.
        site: of all.
        later: whether every patient has scans and events after the index date, too.
        until: the day, counted from the index date, after which nothing is written.
        scanless: every so many have no scan,
        recordless: and every so many no record.
        labelled: every so many have a label; one with neither scan nor record never has.
    """
    key = path.with_suffix(".key")
    key.parent.mkdir(parents=True, exist_ok=True)
    key.write_text("5e" * 32)
    key.chmod(0o600)
    with writing(path, source="test", key=key) as draft:
        rows: list[tuple[int, dt.datetime, str, float | None]] = []
        for number in range(first, first + patients):
            rng, other = (np.random.default_rng([number, part]) for part in (1, 2))  # the second draws what comes later
            born = dt.date(1940 + number % 30, 3, 1)
            subject, name = draft.subject(f"CANARY-{number}", site=site, sex=("female", "male")[number % 2], birth=born)
            unit = draft.unit(f"{name}/u", subject, "visit", time=INDEX)
            scans = np.sort(rng.uniform(-900, 0, 1 + number % 3))
            visits = np.sort(rng.uniform(-1200, 0, 12))
            days = np.sort(np.concatenate([scans, visits, [0.0]]))
            path_of = dict(zip(days, latent(rng, days), strict=True))
            if number % scanless:
                twice = [scans[-1]] if number % 3 == 2 else []  # two scans of one day, at one time
                for at in [*scans, *twice, *([30.0, 300.0] if later else [])]:
                    noise = (rng if at <= 0 else other).normal(0, 0.4, FEATURES)
                    values = path_of.get(at, 9.0) * np.arange(1, FEATURES + 1) / 4 + noise
                    if at <= until:
                        draft.array(values, modality=SCAN, subject_id=subject, time=day(at))
            if number % recordless:
                for at in [*visits, *([1.0, 200.0] if later else [])]:
                    now, draw = path_of.get(at, 9.0), rng if at <= 0 else other
                    often = 0.1 + 0.6 / (1 + np.exp(-now))
                    for code in draw.choice(["C/1", "C/2", "D/1"], 2, p=[often, 0.2, 0.8 - often]):
                        rows.append((subject, day(at), str(code), None))
                    labs = ("L/1", "L/2")
                    rows += [(subject, day(at), lab, round(now + draw.normal(0, 0.5), 2)) for lab in labs]
            if number % labelled == 0 and (number % scanless or number % recordless):
                draft.outcome(OUTCOME, unit, subject, value=int(path_of[0.0] > 0), prediction_time=INDEX)
        rows = [row for row in rows if until == np.inf or row[1] <= day(until)]
        draft.codes(pl.DataFrame({"code": list(CODES), "mode": list(CODES.values()), "rule": "test"}))
        names = ("subject_id", "time", "code", "numeric_value")
        columns = {name: [row[at] for row in rows] for at, name in enumerate(names)}
        kinds = {"subject_id": pl.Int64, "time": pl.Datetime("us"), "code": pl.String, "numeric_value": pl.Float32}
        draft.events(pl.DataFrame(columns, schema=kinds))
    return open_archive(path)
