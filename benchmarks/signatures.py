"""Every claim on signatures, one part after the other: records in, curves, components. Each prints both sides.

python benchmarks/signatures.py           about 20 minutes
python benchmarks/signatures.py --full    the claims at their full sizes: 20 million events, 600,000 rows; two hours
"""

import argparse
import subprocess
import sys
from pathlib import Path

PARTS = Path(__file__).parent / "signatures"
FULL = {
    "ingest": "--events 20000000",
    "curves": "--events 20000000",
    "ica": "--iteration 600000 --sizes 50000x64 50000x256 200000x64 200000x256 600000x64 600000x256",
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    for part, options in FULL.items():
        print(f"\n== {part}", flush=True)
        subprocess.run([sys.executable, PARTS / f"{part}.py", *(options.split() if full else [])], check=True)
