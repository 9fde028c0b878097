"""Two claims: curves at the needed dates against every day of a grid; millions of events to cross-sections.

1. Both sides get the same patients and sections. The grid paints every curve on every day up to the section (numpy and
   scipy's PCHIP; the oracle of the tests) and averages the last 365; ours computes the one value. Values are compared.
2. Simulated patients are written to an archive (not timed). Then channels are counted, sections drawn, and the archive
   is turned into standardised cross-sections on disk: events a second, and the peak memory of all processes together.

    python benchmarks/signatures_curves.py                       a few minutes
    python benchmarks/signatures_curves.py --events 20000000     the claim in full
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from time import perf_counter

import numpy as np
import polars as pl
import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

SHARES = {"measurement": 0.45, "condition": 0.35, "medication": 0.20}
CODES = {"measurement": 400, "condition": 1500, "medication": 600}
EVENTS_A_PATIENT = 200
OWN_CODES = 15  # of each mode; the r-th comes up in proportion to 1 / r
_DAY = 86_400_000_000


def main(events: int = 2_000_000, grid_patients: int = 100, workers: int = os.cpu_count() or 1) -> None:
    """Both claims on simulated patients."""
    from semeia.signatures.window import Window

    print(f"machine: {_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(
        f"simulated patients: {EVENTS_A_PATIENT} events on average (long-tailed) in 0.1 to 20 years; events are "
        + ", ".join(f"{share:.0%} {mode}s of {CODES[mode]} codes" for mode, share in SHARES.items())
    )
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        archive = simulated_archive(Path(folder) / "archive", events)
        print(f"written to an archive in {perf_counter() - start:.0f} s (not part of what follows)")
        against_the_grid(archive, grid_patients, Window())
        to_cross_sections(archive, Path(folder) / "matrix", Window(), workers)


def against_the_grid(archive, patients: int, window) -> None:
    """The same values from every day of a grid and from the needed dates only."""
    from semeia.signatures.channels import channels_of
    from semeia.signatures.curves import values_at
    from semeia.signatures.sections import sample_sections

    ids = range(1, patients + 1)
    events = pl.concat(list(archive.event_batches(subjects=ids)))
    channels = channels_of(archive, ids, least_patients=1)
    sections = sample_sections(archive, ids, window=window, seed=0, at_least=1)
    subjects = archive.table("subjects")

    def ours():
        return values_at(events, sections, channels, subjects=subjects, window=window, seed=0)

    ours()  # compiles, or loads what was compiled before
    times = []
    for _ in range(5):
        start = perf_counter()
        found = ours()
        times.append(perf_counter() - start)
    start = perf_counter()
    daily = painted(events, sections, channels, subjects, window)
    grid = perf_counter() - start
    assert len(daily) == len(found.value)
    largest = np.max(np.abs(daily - found.value) / np.maximum(np.abs(daily), 1e-12))
    print(f"\ncurves: {len(daily):,} values of {sections.height} sections of {patients} patients")
    print(f"every day of the grid: {grid:.2f} s; at the needed dates: {min(times):.4f} s (best of 5)")
    print(f"ratio: {grid / min(times):.0f}; largest relative difference: {largest:.1e}")


def painted(events: pl.DataFrame, sections: pl.DataFrame, channels, subjects: pl.DataFrame, window) -> np.ndarray:
    """All values by painting, in the order of sections and channels."""
    from semeia.signatures.draws import derived, text_keys
    from step_grid import intensity_curve, interpolated_curve, persistence_curve, trailing_mean

    numbers = {
        code: (channel, mode) for channel, code, mode in channels.table.select("channel", "code", "mode").iter_rows()
    }
    codes = derived(np.array([0], np.uint64), text_keys(channels.table["code"]))
    person = dict(zip(subjects["subject_id"], text_keys(subjects["pseudonym"]), strict=True))
    values = []
    for subject, time in sections.iter_rows():
        seen = events.filter(pl.col("subject_id") == subject, pl.col("time") <= time).sort("time", "numeric_value")
        steps = window.step_of(seen["time"].to_physical().to_numpy())
        end = int(window.step_of(np.array([time], "M8[us]").astype(np.int64))[0])
        code, number = seen["code"].to_numpy(), seen["numeric_value"].to_numpy()
        drugs, row = steps[np.char.startswith(code.astype(str), "medication")], {}
        for name in np.unique(code):
            channel, mode = numbers[name]
            own = steps[code == name]
            if mode == "condition":
                key = int(derived(np.array([person[subject]]), codes[channel : channel + 1])[0])
                row[channel] = trailing_mean(intensity_curve(own, steps[0], end, key), window.steps)
            elif mode == "medication":
                row[channel] = persistence_curve(own, drugs, steps[0], end, window.steps)[-1]
            else:
                known = number[code == name].astype(float)
                row[channel] = trailing_mean(interpolated_curve(own, known, steps[0], end), window.steps)
        values += [row[channel] for channel in sorted(row)]
    return np.array(values)


def to_cross_sections(archive, into: Path, window, workers: int) -> None:
    """From events on disk to standardised rows on disk."""
    from semeia.signatures.channels import channels_of
    from semeia.signatures.matrix import build_matrix
    from semeia.signatures.sections import sample_sections
    from semeia.signatures.streaming import section_values

    everyone = archive.table("subjects")["subject_id"].to_list()
    watched: dict[str, Watch] = {}

    def timed(what: str, work: Callable):
        with Watch() as watched[what]:
            return work()

    channels = timed("channels", lambda: channels_of(archive, everyone))
    sections = timed("sections", lambda: sample_sections(archive, everyone, window=window, seed=0))
    stream = section_values(archive, sections, channels, window=window, seed=0, workers=workers)
    matrix = timed("curves, scaling, matrix", lambda: build_matrix(stream, channels, into=into))
    events = int(archive.event_subjects()["events"].sum())
    whole, cpu = (sum(getattr(watch, name) for watch in watched.values()) for name in ("seconds", "cpu"))
    print(f"\n{events:,} events of {len(everyone):,} patients to {matrix.shape[0]:,} x {matrix.shape[1]:,} sections")
    print(
        "CRASH with 100 histograms (20 days or more by then): {:.1%} of conditions, {:.1%} of their days".format(
            *random_histograms(archive, sections)
        )
    )
    for what, watch in watched.items():
        print(f"{what}: {watch.seconds:.1f} s ({watch.cpu:.1f} s of processor), peak {watch.peak / 2**30:.2f} GiB")
    print(f"all: {whole:.1f} s with {workers} processes: {events / whole / 1e6:.2f} million events/s")
    print(f"processor time: {cpu:.1f} s: {events / cpu / 1e6:.2f} million events/s a core")
    peak = max(watch.peak for watch in watched.values())
    print(f"peak resident memory, parent and workers added up: {peak / 2**30:.2f} GiB")


def random_histograms(archive, sections: pl.DataFrame) -> tuple[float, float]:
    """On the first 500 sections: the share of conditions, and of their days, in curves of 20 days or more by then."""
    few = sections[:500].with_row_index("section")
    events = pl.concat(list(archive.event_batches(subjects=few["subject_id"].unique().to_list())))
    days = (
        few.join(events.filter(pl.col("code").str.starts_with("condition")), on="subject_id", suffix="_of_event")
        .filter(pl.col("time_of_event") <= pl.col("time"))
        .group_by("section", "code")
        .agg(pl.col("time_of_event").dt.date().n_unique().alias("days"))["days"]
    )
    often = days.filter(days >= 20)
    return len(often) / len(days), float(often.sum() / days.sum())


def simulated_archive(path: Path, events: int):
    """An archive of simulated patients with about `events` events."""
    from semeia.archive import open_archive, writing

    rng, patients = np.random.default_rng(0), max(events // EVENTS_A_PATIENT, 200)
    codes = {f"{mode}/{number:04d}": mode for mode in SHARES for number in range(CODES[mode])}
    with writing(path, source="simulated patients") as draft:
        for number in range(patients):
            draft.subject(str(number))
        draft.codes(pl.DataFrame({"code": list(codes), "mode": list(codes.values()), "rule": "simulated"}))
        for first in range(1, patients + 1, 10_000):
            draft.events(simulated(rng, first, min(10_000, patients + 1 - first), list(codes)))
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


class Watch:
    """Seconds, processor time and the largest resident memory, of this process and its children together."""

    def __enter__(self) -> "Watch":
        self.peak, self._stop = 0, Event()
        self._begin, self._used = perf_counter(), self._look()
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.seconds, self.cpu = perf_counter() - self._begin, self._look() - self._used

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            self._look()

    def _look(self) -> float:
        """Notes the memory; returns the processor time used so far."""
        me, memory, used = psutil.Process(), 0, 0.0
        for process in [me, *me.children(recursive=True)]:
            try:
                memory += process.memory_info().rss
                used += sum(process.cpu_times()[:2])
            except psutil.Error:
                continue  # it has just ended
        self.peak = max(self.peak, memory)
        return used


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--grid-patients", type=int, default=100)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    main(**vars(parser.parse_args()))
