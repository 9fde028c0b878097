"""Every reader against the contract of readers. A new one is one line in `READERS`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from contracts.reader_contract import CHECKS, Case
from dicom_folder import NAME, write_series
from knee_folder import PATIENTS as KNEE_PATIENTS
from knee_folder import write_knees
from lidc_folder import read_rows, write_lidc_folder, write_rows
from meds_folder import PATIENTS as MEDS_PATIENTS
from meds_folder import write_meds
from omop_folder import PERSONS, write_omop
from semeia.archive import Summary
from semeia.readers import (
    ingest_dicom,
    ingest_hospital,
    ingest_images,
    ingest_knees,
    ingest_meds,
    ingest_nodules,
    ingest_omop,
    ingest_table,
)
from semeia.worlds.hospital import HospitalSettings, write_hospital
from semeia.worlds.hospital.course import course_of

PATIENTS = tuple(f"LIDC-IDRI-{number}" for number in (9001, 9002, 9003))


def nodule_folder(folder: Path) -> None:
    write_lidc_folder(folder, len(PATIENTS), dx=True)


def volume_folder(folder: Path) -> None:
    """The same files, as a table of volumes."""
    write_lidc_folder(folder, len(PATIENTS))
    table = [
        {"file": f"{row['patient_id']}/{row['patient_id']}_n{int(str(row['nodule'])):02d}_img8.nii.gz"}
        | {"patient": row["patient_id"], "hospital": row["manufacturer"]}
        for row in read_rows(folder / "nodules.csv")
    ]
    write_rows(folder / "table.csv", [row | {"label": place % 2} for place, row in enumerate(table)])


def picture_folder(folder: Path) -> None:
    """Two pictures a patient, one of them in colour."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows: list[dict[str, object]] = []
    for patient in PATIENTS:
        for view, shape in (("front", (12, 10)), ("side", (9, 14, 3))):
            Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{patient}-{view}.png")
            rows.append({"file": f"{patient}-{view}.png", "patient": patient, "label": len(rows) % 2})
    write_rows(folder / "table.csv", rows)


def ingest_volumes(folder: Path, into: Path) -> Summary:
    return ingest_images(
        folder,
        table=folder / "table.csv",
        image="file",
        subject="patient",
        label="label",
        site="hospital",
        kind="img8",
        into=into,
    )


def ingest_pictures(folder: Path, into: Path) -> Summary:
    return ingest_images(folder, table=folder / "table.csv", image="file", subject="patient", label="label", into=into)


def table_folder(folder: Path) -> None:
    """A mapping, and tables of patients, measurements and stays."""
    (folder / "tables").mkdir(parents=True)
    write_rows(folder / "tables" / "patients.csv", [{"id": name, "born": "1950-01-02"} for name in PATIENTS])
    stays = [{"id": name, "stay": f"stay of {name}", "start": "2020-01-01", "died": 0} for name in PATIENTS]
    write_rows(folder / "tables" / "stays.csv", stays)
    measured = [{"id": name, "taken": "2020-01-01 10:00", "result": 1.5} for name in PATIENTS]
    pl.DataFrame(measured).write_parquet(folder / "tables" / "measured.parquet")
    (folder / "own.yaml").write_text("""
    people: {from: patients, subject: id, birth: born}
    events: {labs: {from: measured, subject: id, time: taken, code: "'LAB/CRP'", value: result}}
    units: {stay: {from: stays, subject: id, unit: stay, time: start}}
    outcomes: {died: {from: stays, subject: id, unit: stay, prediction_time: start, value: died}}
    """)


def ingest_tables(folder: Path, into: Path) -> Summary:
    return ingest_table(folder / "tables", mapping=folder / "own.yaml", into=into)


def cut(pattern: str) -> Callable[[Path], None]:
    """Leaves half of the first file that matches."""

    def damage(folder: Path) -> None:
        path = sorted(folder.rglob(pattern))[0]
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return damage


def dicom_folder(folder: Path) -> None:
    """Two series a patient, in folders that carry the patient's id."""
    planes = np.random.default_rng(0).integers(0, 1000, (3, 6, 5)).astype(np.int16)
    for place, patient in enumerate(PATIENTS):
        for day in ("20200101", "20210101"):
            facts = {"AcquisitionDate": day, "SeriesInstanceUID": f"1.2.3.4.{place}.{day}", "PatientID": patient}
            write_series(folder / patient / day, planes + place, **facts)


def cut_all(folder: Path) -> None:
    """Takes the last 20 bytes of every file away."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-20])


def hospital_folder(folder: Path) -> None:
    write_hospital(HOSPITAL, out=folder)


def an_index_date_that_is_none(folder: Path) -> None:
    (folder / "labels.csv").write_text("person_id,index_date\n910273000,soon\n")


HOSPITAL = HospitalSettings(patients=3, labelled=2)
READERS = {
    "nodules": Case(
        nodule_folder, lambda folder, into: ingest_nodules(folder, into=into), cut("*_img8.nii.gz"), PATIENTS
    ),
    "volumes": Case(volume_folder, ingest_volumes, cut("*_img8.nii.gz"), PATIENTS),
    "pictures": Case(picture_folder, ingest_pictures, cut("*.png"), PATIENTS),
    "knees": Case(write_knees, lambda folder, into: ingest_knees(folder, into=into), cut("*R.png"), KNEE_PATIENTS),
    "meds": Case(write_meds, lambda folder, into: ingest_meds(folder, into=into), cut("0.parquet"), MEDS_PATIENTS),
    "omop": Case(
        lambda folder: write_omop(folder, kind="parquet"),
        lambda folder, into: ingest_omop(folder, into=into),
        cut("drug_exposure.parquet"),
        PERSONS,
    ),
    "dicom": Case(
        dicom_folder,
        lambda folder, into: ingest_dicom(folder, into=into, workers=1),
        cut_all,
        (*PATIENTS, NAME, "1.2.3.4"),
        told="pixels cannot be decoded",
    ),
    "hospital": Case(
        hospital_folder,
        lambda folder, into: ingest_hospital(folder, into=into, workers=1),
        an_index_date_that_is_none,
        tuple(course_of(number, HOSPITAL).name for number in range(HOSPITAL.patients)),
    ),
    "tables": Case(table_folder, ingest_tables, cut("measured.parquet"), PATIENTS),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", READERS)
def test_reader(name: str, check: Callable[[Case, Path], None], tmp_path: Path):
    check(READERS[name], tmp_path)
