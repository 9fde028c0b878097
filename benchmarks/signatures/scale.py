"""The claim: simulated records are ingested, audited and turned into cross-sections in memory that hardly grows.

Every size has a process of its own, so that its peak memory is its own. Simulated patients are written as MEDS shards
(not timed); then come `semeia ingest meds`, `semeia audit`, and the cross-sections that `semeia signatures fit` makes.

    python benchmarks/signatures/scale.py                                a thousand and ten thousand patients, minutes
    python benchmarks/signatures/scale.py --patients 10000 100000        hours on a busy machine
    python benchmarks/signatures/scale.py --patients 1000000             the claim in full: 200 million events
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from patients import IN_WORDS, MODES, batches
from shared.table import row
from shared.watch import Watch, processor


def measured(patients: int, workers: int) -> None:
    """One size, all stages; prints a row of the table for each."""
    import polars as pl

    from semeia.archive import open_archive
    from semeia.archive.audit.audit import audit
    from semeia.readers import ingest_meds
    from semeia.signatures.channels import channels_of
    from semeia.signatures.matrix import build_matrix
    from semeia.signatures.sections import sample_sections
    from semeia.signatures.streaming import section_values
    from semeia.signatures.window import Window

    with tempfile.TemporaryDirectory() as name:
        folder, events = Path(name), 0
        (folder / "meds/data").mkdir(parents=True)
        for shard, batch in enumerate(batches(patients)):
            batch.write_parquet(folder / f"meds/data/{shard}.parquet")
            events += batch.height
        pl.DataFrame({"code": list(MODES), "mode": list(MODES.values())}).write_csv(folder / "codes.csv")

        def stage(what: str, work: Callable) -> object:
            with Watch() as watch:
                done = work()
            rate, peak = events / watch.cpu, watch.peak / 2**30
            print(f"| {patients:,} | {events:,} | {what} | {watch.cpu:.0f} | {rate:,.0f} | {peak:.2f} |", flush=True)
            row(f"{events:,} events: {what}", ours=rate / 1e6, unit="million events/s of processor")
            row(f"{events:,} events: {what}, peak memory", ours=peak, unit="GiB")
            return done

        stage("ingest", lambda: ingest_meds(folder / "meds", into=folder / "a", codes=folder / "codes.csv"))
        archive, window = open_archive(folder / "a"), Window()
        stage("audit", lambda: audit(archive))

        def cross_sections() -> None:
            everyone = archive.table("subjects")["subject_id"].to_list()
            channels = channels_of(archive, everyone)
            sections = sample_sections(archive, everyone, window=window, seed=0)
            stream = section_values(archive, sections, channels, window=window, seed=0, workers=workers)
            build_matrix(stream, channels, into=folder / "matrix")

        stage("cross-sections", cross_sections)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    if len(given.patients) == 1:
        measured(given.patients[0], given.workers)
    else:
        print(f"machine: {processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
        print(f"simulated patients: {IN_WORDS}")
        print("| patients | events | stage | s of processor | events/s of processor | peak GiB |")
        print("|---:|---:|---|---:|---:|---:|", flush=True)
        for patients in given.patients:
            size = [f"--patients={patients}", f"--workers={given.workers}"]
            subprocess.run([sys.executable, __file__, *size], check=True)
