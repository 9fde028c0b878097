"""Chooses the sample that ships inside the package: a LIDC-layout folder in, a smaller one like it out.

    python tools/make_sample.py            # reads $SEMEIA_DATA/lidc, writes src/semeia/sample/lidc

Whole patients only, every file byte for byte, `nodules.csv` row by row as it was (less the two columns that
identify the scan). Which patients: see `GROUPS`. Within a group they are taken in the order of a hash of
their id, until the first that no longer fits: nothing in the images, ratings or sizes decides.
"""

import argparse
import csv
import hashlib
import os
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel

from semeia.readers.images.nodules import input_reader, malignancy_label, others_malignancy

Row = dict[str, str]

TARGET = Path(__file__).parents[1] / "src" / "semeia" / "sample" / "lidc"
DROPPED_COLUMNS = ("scan_id", "series_uid")
INTERNAL_MAKER = "GE MEDICAL SYSTEMS"
SHOWN_PER_CLASS_AND_SIDE = 3  # of these nodules the HU volume comes along, for display: 2 classes x 2 sides x 3 = 12
USUAL_AXES = "LPS"
LARGEST_SHOWN = 80_000  # bytes of one HU volume


@dataclass(frozen=True)
class Patient:
    """All nodules of one patient, with their files' size and their labels (None: no label)."""

    patient_id: str
    maker: str
    rows: tuple[Row, ...]
    labels: tuple[int | None, ...]
    size: int

    @property
    def labelled(self) -> bool:
        """Whether at least one nodule carries a label."""
        return any(label is not None for label in self.labels)


@dataclass(frozen=True)
class Group:
    """One share of the sample: who belongs to it and how many bytes of images it may take."""

    name: str
    belongs: Callable[[Patient], bool]
    budget: int


# Labelled patients first: they are what makes internal and external results. A patient of another maker and
# without a label is of no use to the nodule study (external images never enter pretraining): none is taken.
# The unlabelled ones are of GE or of an unknown maker, which pretraining may see.
GROUPS = (
    Group("GE, labelled", lambda p: p.labelled and p.maker == INTERNAL_MAKER, 7_700_000),
    Group("other makers, labelled", lambda p: p.labelled and p.maker not in ("", INTERNAL_MAKER), 4_200_000),
    Group("unlabelled", lambda p: not p.labelled and p.maker in ("", INTERNAL_MAKER), 1_200_000),
)


def label_of(row: Row) -> int | None:
    """1 malignant, 0 benign, None without a label, by the rule of the LIDC reader."""
    ratings = [int(rating) for rating in row["malignancies"].split("|")]
    reader = input_reader(row["patient_id"], int(row["nodule"]), len(ratings))
    label = malignancy_label(others_malignancy(ratings, reader))
    return None if label is None else int(label)


def image_path(row: Row, kind: str) -> Path:
    """Where a nodule's volume lies, relative to the folder."""
    patient = row["patient_id"]
    return Path(patient) / f"{patient}_n{int(row['nodule']):02d}_{kind}.nii.gz"


def read_patients(source: Path) -> tuple[list[str], list[Patient]]:
    """The table's columns and its patients, in the order of a hash of their id."""
    with (source / "nodules.csv").open(newline="") as file:
        reader = csv.DictReader(file)
        columns = [name for name in reader.fieldnames or [] if name not in DROPPED_COLUMNS]
        rows = defaultdict(list)
        for row in reader:
            rows[row["patient_id"]].append(row)
    patients = [
        Patient(
            name,
            own[0]["manufacturer"],
            tuple(sorted(own, key=lambda row: int(row["nodule"]))),
            tuple(label_of(row) for row in sorted(own, key=lambda row: int(row["nodule"]))),
            sum((source / image_path(row, "img8")).stat().st_size for row in own),
        )
        for name, own in rows.items()
    ]
    return columns, sorted(patients, key=lambda p: hashlib.sha256(f"sample/{p.patient_id}".encode()).hexdigest())


def chosen(patients: list[Patient]) -> Iterator[tuple[str, Patient]]:
    """The patients of every group, up to the first of the group that no longer fits."""
    for group in GROUPS:
        left = group.budget
        for patient in filter(group.belongs, patients):
            if patient.size > left:
                break
            left -= patient.size
            yield group.name, patient


def shown(patients: list[Patient], source: Path) -> list[Row]:
    """Labelled nodules whose HU volume comes along: the same number of each class, inside and outside."""
    rows: list[Row] = []
    taken: Counter[tuple[bool, int]] = Counter()
    for patient in patients:
        for row, label in zip(patient.rows, patient.labels, strict=True):
            path = source / image_path(row, "hu")
            if label is None or not patient.maker or not path.exists() or path.stat().st_size > LARGEST_SHOWN:
                continue
            cell = (patient.maker == INTERNAL_MAKER, label)
            if taken[cell] < SHOWN_PER_CLASS_AND_SIDE:
                taken[cell] += 1
                rows.append(row)
                break  # one nodule a patient
    return rows


def turned(patients: list[Patient], source: Path) -> list[Row]:
    """The smallest HU volume of every patient whose voxels are in another order than usual.

    The crops carry no direction of their own: the reader turns them by the HU volume of the same patient, and
    takes the usual order where there is none. Without these files the sample would be read otherwise than the
    full set.
    """
    rows = []
    for patient in patients:
        paths = {source / image_path(row, "hu"): row for row in patient.rows}
        sizes = {path: path.stat().st_size for path in paths if path.exists()}
        if sizes:
            smallest = min(sizes, key=lambda path: (sizes[path], path))
            if "".join(nibabel.aff2axcodes(nibabel.Nifti1Image.from_filename(smallest).affine)) != USUAL_AXES:
                rows.append(paths[smallest])
    return rows


def write(target: Path, source: Path, columns: list[str], patients: list[Patient]) -> int:
    """Writes table, images and their SHA-256 list; returns the bytes written."""
    for old in target.glob("LIDC-IDRI-*"):
        shutil.rmtree(old)
    patients = sorted(patients, key=lambda p: p.patient_id)
    with (target / "nodules.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(row for patient in patients for row in patient.rows)
    images = [image_path(row, "img8") for patient in patients for row in patient.rows]
    with_volume = [*shown(patients, source), *turned(patients, source)]
    images += sorted({image_path(row, "hu") for row in with_volume})
    for image in images:
        (target / image).parent.mkdir(exist_ok=True)
        shutil.copyfile(source / image, target / image)
    listed = [Path("nodules.csv"), *sorted(images)]
    sums = [f"{hashlib.sha256((target / path).read_bytes()).hexdigest()}  {path}\n" for path in listed]
    (target / "SHA256SUMS").write_text("".join(sums))
    return sum(path.stat().st_size for path in target.rglob("*") if path.is_file())


def main() -> None:
    """Chooses, writes, and prints what was taken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=TARGET)
    target = parser.parse_args().into
    if "SEMEIA_DATA" not in os.environ:
        sys.exit("Set SEMEIA_DATA to the folder that holds lidc/.")
    source = Path(os.environ["SEMEIA_DATA"]) / "lidc"
    columns, patients = read_patients(source)
    picks = list(chosen(patients))
    target.mkdir(parents=True, exist_ok=True)
    size = write(target, source, columns, [patient for _, patient in picks])
    print("group | maker | patients | nodules | labelled nodules | malignant | patients with a label")
    for name, maker in sorted({(name, patient.maker) for name, patient in picks}):
        own = [patient for group, patient in picks if (group, patient.maker) == (name, maker)]
        labels = [label for patient in own for label in patient.labels]
        known = [label for label in labels if label is not None]
        with_label = sum(patient.labelled for patient in own)
        print(name, maker or "unknown", len(own), len(labels), len(known), sum(known), with_label, sep=" | ")
    print(f"{len(picks)} patients, {sum(len(p.rows) for _, p in picks)} nodules, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
