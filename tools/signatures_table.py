"""The table of fits in docs/studies/signatures.md: folders of signatures go in, one row each comes out.

python tools/signatures_table.py signatures/eicu signatures/synthea
"""

import sys
from pathlib import Path

from study_tables import table

from semeia.signatures.model import load_signatures

COLUMNS = ("signatures of", "patients", "channels", "iterations", "variance kept", "unstable", "values limited")


def row(folder: Path) -> list[str]:
    """What the table says of one fit."""
    model = load_signatures(folder)
    fitting, number = model.fitting, len(model.names)
    counts = (fitting.patients, len(model.channels), fitting.iterations)
    kept, unstable = f"{fitting.variance_kept:.2f}", f"{int(model.unstable.sum())} of {number}"
    return [folder.name, *(f"{count:,}" for count in counts), kept, unstable, f"{fitting.limited:,}"]


if __name__ == "__main__":
    table(list(COLUMNS), [row(Path(folder)) for folder in sys.argv[1:]])
