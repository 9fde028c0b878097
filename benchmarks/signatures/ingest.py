"""The claim: records become an archive at a steady rate, in bounded memory.

Simulated patients are written as MEDS shards and as a table of CSV with a mapping (not timed). Each becomes an archive:
pseudonyms, units, duplicates, audit counts, sorting, compression, hashes. The other side is the least any such step
must do: polars reads the same files, sorts them by patient and time, and writes one parquet file.

    python benchmarks/signatures/ingest.py                       two million events
    python benchmarks/signatures/ingest.py --events 20000000
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))

from patients import IN_WORDS, batches, patients_for
from shared.table import row
from shared.watch import Watch, processor

MAPPING = """
name: simulated
people: {from: people, subject: id}
events:
  all: {from: events, subject: subject_id, time: time, code: code, value: TRY_CAST(numeric_value AS DOUBLE)}
"""


def main(events: int = 2_000_000) -> None:
    """Both forms, both sides."""
    from semeia.readers import ingest_meds, ingest_table

    print(f"machine: {processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"simulated patients: {IN_WORDS}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        number = written(folder, events)
        mapping = folder / "mapping.yaml"
        mapping.write_text(MAPPING)
        compare(
            f"MEDS shards, {number:,} events",
            number,
            ours=lambda: ingest_meds(folder / "meds", into=folder / "from_meds"),
            least=lambda: least(pl.scan_parquet(folder / "meds/data/*.parquet"), folder / "meds.parquet"),
        )
        compare(
            f"a table of CSV, {number:,} rows",
            number,
            ours=lambda: ingest_table(folder / "csv", mapping=str(mapping), into=folder / "from_csv"),
            least=lambda: least(pl.scan_csv(folder / "csv/events.csv", try_parse_dates=True), folder / "csv.parquet"),
        )


def written(folder: Path, events: int) -> int:
    """The same events as MEDS shards and as CSV; how many."""
    (folder / "meds/data").mkdir(parents=True)
    (folder / "csv").mkdir()
    number = 0
    with (folder / "csv/events.csv").open("wb") as csv:
        for shard, batch in enumerate(batches(patients_for(events))):
            batch.write_parquet(folder / f"meds/data/{shard}.parquet")
            batch.write_csv(csv, include_header=shard == 0)
            number += batch.height
    people = pl.DataFrame({"id": range(1, patients_for(events) + 1)})
    people.write_csv(folder / "csv/people.csv")
    return number


def least(events: pl.LazyFrame, into: Path) -> None:
    """Read, sort, write."""
    events.sort("subject_id", "time").sink_parquet(into)


def compare(what: str, events: int, *, ours: Callable[[], object], least: Callable[[], object]) -> None:
    """Seconds, events a second and the peak memory of both sides."""
    sides = {}
    for side, work in {"reading, sorting, writing by polars": least, "an archive": ours}.items():
        with Watch() as sides[side]:
            work()
    print(f"\n{what}")
    for side, watch in sides.items():
        rate = events / watch.seconds / 1e6
        print(f"{side}: {watch.seconds:.1f} s, {rate:.2f} million events/s, peak {watch.peak / 2**30:.2f} GiB")
    bare, full = sides.values()
    row(what, ours=full.cpu, other=bare.cpu, unit="s of processor", against="polars reading, sorting, writing alone")
    print(f"ratio: {full.seconds / bare.seconds:.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    main(**vars(parser.parse_args()))
