"""A miniature folder in the LIDC layout: a number of patients goes in, crops and nodules.csv come out.

Synthetic blobs. Malignant nodules are larger and rougher, so that a study on them has something to find. As
in the real set, img8 and hu share one voxel order, yet the img8 header claims RAS and the hu header LPS.
"""

import csv
from pathlib import Path

import nibabel as nib
import numpy as np

MAKERS = ("GE MEDICAL SYSTEMS", "SIEMENS")
CHARACTERISTICS = (
    "subtlety",
    "internalStructure",
    "calcification",
    "sphericity",
    "margin",
    "lobulation",
    "spiculation",
    "texture",
)


def write_lidc_folder(
    folder: Path,
    patients: int = 8,
    *,
    nodules: int = 2,
    makers: tuple[str, ...] = MAKERS,
    dx: bool = False,
    optional: bool = True,
    hu: bool = True,
    seed: int = 0,
    first: int = 9001,
) -> Path:
    """Write `patients` patients of `nodules` nodules each; gives `folder` back.

    Makers alternate, and within a maker benign and malignant patients alternate. Every nodule has four
    readings except the last of a patient with several, which has two (so no label). `dx` adds the diagnosis,
    `optional=False` leaves out every column that is not required, and `hu` writes hu crops of even nodules.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for place in range(patients):
        patient = f"LIDC-IDRI-{first + place:04d}"
        malignant = bool((place // len(makers)) % 2)
        (folder / patient).mkdir(parents=True)
        for number in range(nodules):
            readings = 2 if number and number == nodules - 1 else 4
            row = _row(patient, number, malignant, makers[place % len(makers)], readings, rng)
            _write_crops(folder / patient / f"{patient}_n{number:02d}", row, malignant, hu and number % 2 == 0, rng)
            rows.append(row | ({"dx": 2 if malignant else 1} if dx else {}))
    columns = [*rows[0]] if optional else ["patient_id", "nodule", "malignancies", *CHARACTERISTICS, "diameter_mm"]
    columns += ["dx"] if dx and not optional else []
    write_rows(folder / "nodules.csv", [{column: row[column] for column in columns} for row in rows])
    return folder


def write_rows(path: Path, rows: list[dict[str, object]]) -> Path:
    """Write rows as CSV, header first."""
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def read_rows(path: Path) -> list[dict[str, object]]:
    """The rows of a CSV, to be changed and written again."""
    with path.open(newline="") as handle:
        return [dict(row) for row in csv.DictReader(handle)]


def _row(
    patient: str, number: int, malignant: bool, maker: str, readings: int, rng: np.random.Generator
) -> dict[str, object]:
    def ratings(low: int, high: int) -> str:
        return "|".join(str(rating) for rating in rng.integers(low, high + 1, readings))

    diameter = float(rng.uniform(9, 18) if malignant else rng.uniform(5, 12))
    rough = (2, 5) if malignant else (1, 3)
    return {
        "patient_id": patient,
        "nodule": number,
        "slice_spacing": 2.5,
        "pixel_spacing": 0.7,
        "contrast": bool(rng.integers(2)),
        "malignancies": ratings(4, 5) if malignant else ratings(1, 2),
        "diameter_mm": round(diameter, 3),
        "volume_mm3": round(diameter**3 / 2, 1),
        "subtlety": ratings(3, 5),
        "internalStructure": ratings(1, 4),
        "calcification": ratings(1, 6),
        "sphericity": ratings(2, 5),
        "margin": ratings(2, 5),
        "lobulation": ratings(*rough),
        "spiculation": ratings(*rough),
        "texture": ratings(1, 5),
        "manufacturer": maker,
        "model": f"{maker.split()[0]} 64",
        "kernel": "STANDARD" if maker.startswith("GE") else "B30f",
        "kvp": 120.0,
    }


def _write_crops(stem: Path, row: dict[str, object], malignant: bool, hu: bool, rng: np.random.Generator) -> None:
    spacing = np.array([0.7, 0.7, 2.5])
    radius = float(str(row["diameter_mm"])) / 2
    shape = (64, 64, max(2, round(2 * radius / spacing[2])))
    grid = np.moveaxis(np.indices(shape), 0, -1)
    away = np.linalg.norm((grid - (np.array(shape) - 1) / 2) * spacing, axis=-1)
    inside = 1 / (1 + np.exp(2 * (away - radius)))
    noise = rng.normal(0, 60 if malignant else 30, shape)
    values = -850 + 880 * inside + noise
    flat = values.reshape(-1, shape[2])
    low, high = flat.min(0), flat.max(0)
    stretched = ((values - low) / (high - low) * 255).astype(np.uint8)
    nib.save(nib.Nifti1Image(stretched, np.diag([*spacing, 1.0])), f"{stem}_img8.nii.gz")
    if hu:
        affine = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
        affine[:3, 3] = rng.uniform(-100, 100, 3)
        nib.save(nib.Nifti1Image(values[10:54, 10:54].astype(np.int16), affine), f"{stem}_hu.nii.gz")
