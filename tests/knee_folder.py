"""A made-up folder of knee radiographs, in the layout `ingest_knees` reads: both knees of each patient."""

from pathlib import Path

import numpy as np
from PIL import Image

from lidc_folder import write_rows

PATIENTS = ("CANARY9001", "CANARY9002", "CANARY9003")


def write_knees(folder: Path, patients: tuple[str, ...] = PATIENTS) -> None:
    """Grades go round 0 to 4; every third patient is of the validation split; image sizes differ by side."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows: list[dict[str, object]] = []
    for place, patient in enumerate(patients):
        for side, size in (("L", (20, 24)), ("R", (18, 18))):
            name = f"{patient}{side}.png"
            Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(folder / "images" / name)
            split = "val" if place % 3 == 2 else "train"
            rows.append({"image": name, "patient_id": patient, "side": side, "grade": len(rows) % 5, "split": split})
    write_rows(folder / "labels.csv", rows)
