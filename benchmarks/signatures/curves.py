"""Three claims: curves at needed dates against a daily grid; millions of events to cross-sections; their covariance.

1. Both sides get the same patients and sections. The grid paints every curve on every day up to the section (numpy and
   scipy's PCHIP; the oracle of the tests) and averages the last 365; ours computes the one value. Values are compared.
2. Simulated patients are written to an archive (not timed). Then channels are counted, sections drawn, and the archive
   is turned into standardised cross-sections on disk: events a second, and the peak memory of all processes together.
3. The covariance of those cross-sections: from the values that are there against whole blocks (the first 20,000 rows).

    python benchmarks/signatures/curves.py                       a few minutes
    python benchmarks/signatures/curves.py --events 20000000     the claim in full
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import process_time

import numpy as np
import polars as pl

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "tests")]

from patients import IN_WORDS, simulated_archive  # noqa: E402
from shared.table import row  # noqa: E402
from shared.watch import Watch, processor  # noqa: E402

ROWS = 20_000


def main(events: int = 2_000_000, grid_patients: int = 100, workers: int = os.cpu_count() or 1) -> None:
    """All claims on simulated patients."""
    from semeia.signatures.window import Window

    print(f"machine: {processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"simulated patients: {IN_WORDS}")
    with tempfile.TemporaryDirectory() as folder:
        archive = simulated_archive(Path(folder) / "archive", events)
        against_the_grid(archive, grid_patients, Window())
        covariance(to_cross_sections(archive, Path(folder) / "matrix", Window(), workers))


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
        start = process_time()
        found = ours()
        times.append(process_time() - start)
    start = process_time()
    daily = painted(events, sections, channels, window)
    grid = process_time() - start
    assert len(daily) == len(found.value)
    largest = np.max(np.abs(daily - found.value) / np.maximum(np.abs(daily), 1e-12))
    assert largest < 1e-6, f"the two sides differ by {largest:.1e}: they do not compute the same"
    print(f"\ncurves: {len(daily):,} values of {sections.height} sections of {patients} patients")
    print(f"every day of the grid: {grid:.2f} s of processor; at the needed dates: {min(times):.4f} s (best of 5)")
    what = f"{len(daily):,} values of curves at needed dates"
    row(what, ours=min(times), other=grid, unit="s of processor", against="every day of a grid (numpy, scipy)")
    print(f"ratio: {grid / min(times):.0f}; largest relative difference: {largest:.1e}")


def painted(events: pl.DataFrame, sections: pl.DataFrame, channels, window) -> np.ndarray:
    """All values by painting, in the order of sections and channels."""
    from semeia.signatures.draws import derived, text_keys
    from step_grid import intensity_curve, interpolated_curve, persistence_curve, trailing_mean

    numbers = {
        code: (channel, mode) for channel, code, mode in channels.table.select("channel", "code", "mode").iter_rows()
    }
    lowest, highest = channels.limits
    keys = derived(np.array([0], np.uint64), text_keys(channels.table["code"]))
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
                curve = intensity_curve(own, steps[0], end, int(keys[channel]))
                row[channel] = trailing_mean(curve, window.steps)
            elif mode == "medication":
                row[channel] = persistence_curve(own, drugs, steps[0], end, window.steps)[-1]
            else:
                known = number[code == name].astype(float).clip(lowest[channel], highest[channel])
                row[channel] = trailing_mean(interpolated_curve(own, known, steps[0], end), window.steps)
        values += [row[channel] for channel in sorted(row)]
    return np.array(values)


def to_cross_sections(archive, into: Path, window, workers: int):
    """From events on disk to standardised rows on disk, which are returned."""
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
    row(f"{events:,} events to cross-sections", ours=events / cpu / 1e6, unit="million events/s of processor")
    row("its peak memory, all processes", ours=peak / 2**30, unit="GiB")
    print(f"peak resident memory, parent and workers added up: {peak / 2**30:.2f} GiB")
    return matrix


def covariance(matrix) -> None:
    """Mean and covariance of the first rows, from what is there and from whole blocks."""
    from semeia.signatures.ica.moments import moments, sparse_moments

    few = replace(matrix, shape=(min(ROWS, matrix.shape[0]), matrix.shape[1]))
    sparse_moments(replace(few, shape=(10, few.shape[1])))  # compiles, or loads what was compiled before
    took, found = {}, {}
    for side, work in {
        "values": sparse_moments,
        "blocks": lambda rows: moments(rows, threads=os.cpu_count() or 1),
    }.items():
        start = process_time()
        found[side] = work(few).covariance
        took[side] = process_time() - start
    apart = float(np.abs(found["values"] - found["blocks"]).max())
    there = len(few.values(0, few.shape[0])[1]) / few.shape[0]
    print(f"\ncovariance of {few.shape[0]:,} x {few.shape[1]:,}, {there:.0f} values a row")
    blocks, values = took["blocks"], took["values"]
    print(f"processor time from whole blocks: {blocks:.2f} s; from the values that are there: {values:.2f} s")
    what = f"covariance of {few.shape[0]:,} x {few.shape[1]:,}, mostly missing"
    row(what, ours=took["values"], other=took["blocks"], unit="s of processor", against="from whole blocks")
    print(f"ratio: {took['blocks'] / took['values']:.1f}; largest difference: {apart:.1e}")


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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--grid-patients", type=int, default=100)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    main(**vars(parser.parse_args()))
