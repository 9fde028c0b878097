"""Run every benchmark, and write what they measured as one table.

    python tools/bench.py                     quick sizes, under half an hour on two free cores
    python tools/bench.py --full              the sizes that the claims are made at; hours
    python tools/bench.py --only dicom serve

Each benchmark is a script in benchmarks/ that says what it compares and prints more than the table holds. Its rows are
kept in runs/benchmarks until it is run again, so that one can be measured anew without the others.
"""

import argparse
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from shared.table import ROWS, table  # noqa: E402
from shared.watch import processor  # noqa: E402

# Each script, its options in a quick run, and in a full one.
BENCHMARKS = {
    "burned_in": ("--most 50", ""),
    "dicom": ("--slices 12 --turns 3", ""),
    "worlds": ("--steps 100 --cells 8 32", ""),
    "signatures/ingest": ("--events 200000", "--events 20000000"),
    "signatures/scale": ("--patients 100 1000", "--patients 10000 100000 1000000"),
    "signatures/curves": ("--events 200000 --grid-patients 30", "--events 20000000"),
    "evaluation": ("--many 20000", ""),
    "serve": ("--requests 40", ""),
    "signatures/ica": (
        "--sizes 20000x32 --dtypes float32 --repeats 1 --iteration 0",
        "--sizes 50000x64 50000x256 200000x64 200000x256 600000x64 600000x256 --iteration 600000",
    ),
    "packing": ("--rounds 3", ""),
    "spread": ("--steps 4", "--steps 20"),
    "throughput": ("--steps 10 --networks patches conv", "--steps 20 --changes"),
    "pretraining": ("--rounds 3 --steps 3 --epochs 3 --pictures 1000 --patients 1000 --seconds-at-most 15", "--full"),
}
LIBRARIES = ("numpy", "polars", "torch", "scikit-learn", "pydicom", "SimpleITK", "monai", "duckdb")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def main() -> int:
    """Run from the shell; the exit code of the first benchmark that fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", nargs="*", choices=BENCHMARKS, default=list(BENCHMARKS))
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "performance.md")
    given = parser.parse_args()
    folder = ROOT / "runs" / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    for name in given.only:
        options = BENCHMARKS[name][given.full]
        print(f"\n== {name} {options}", flush=True)
        new = rows_of(folder, name).with_suffix(".new")
        new.unlink(missing_ok=True)
        command = [sys.executable, ROOT / "benchmarks" / f"{name}.py", *options.split()]
        done = subprocess.run(command, env={**os.environ, **ONE_THREAD, ROWS: str(new)}, check=False)
        if done.returncode:
            return done.returncode
        new.replace(rows_of(folder, name))
        further = given.out.read_text().partition("\n## ")[1:] if given.out.exists() else ()  # written by hand, kept
        measured = table(path for one in BENCHMARKS if (path := rows_of(folder, one)).exists())
        given.out.write_text(page(measured) + "".join(further))
    print(f"\n{given.out}")
    return 0


def rows_of(folder: Path, name: str) -> Path:
    """Where the rows of a benchmark are kept."""
    return folder / f"{name.replace('/', '-')}.jsonl"


def page(measured: str) -> str:
    """The page around the table."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"""# Performance: both sides, one table

Written by `make bench` (`python tools/bench.py`; with `--full` at the sizes of the claims, hours).
{processor()}, {os.cpu_count()} cores, one thread unless a row says otherwise; Python {platform.python_version()},
{libraries}.

"Load" is that of the machine at that row: where it is above the number of cores, other work ran beside it; then read
what is "of processor", and of the rest only the ratios of sides that take turns (dicom, pretraining, serve, ica).

"Times better" is other over Semeia for times and memory, Semeia over other for rates; below 1 the other side is better.
Each `python benchmarks/NAME.py` says in its first lines what it compares, and prints more.

{measured}
"""


if __name__ == "__main__":
    sys.exit(main())
