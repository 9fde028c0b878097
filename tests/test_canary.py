"""Planted identifiers, in every kind of input, occur nowhere in what Semeia writes or says."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from dicom_folder import write_series
from lidc_folder import write_rows
from meds_folder import write_meds
from omop_folder import write_omop
from semeia import cli
from semeia.archive.keys import own_key

ID, NAME, PHONE, BORN = "CANARY00417", "Canaryname", "+41 44 555 66 77", "1901-02-03"
PLANTED = (ID, NAME, PHONE, BORN, "19010203")


def spoken(folder: Path) -> bytes:
    """Everything under a folder as bytes; parquet as text, since it is compressed."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    tables = [pl.read_parquet(file).write_json().encode() for file in files if file.suffix == ".parquet"]
    return b"\n".join([*(file.read_bytes() for file in files), *tables, *(str(file).encode() for file in files)])


def dicom(folder: Path) -> list[str]:
    facts = {"PatientID": ID, "PatientName": f"{NAME}^Ann", "PatientTelephoneNumbers": PHONE}
    more = {"PatientBirthDate": "19010203", "ImageComments": f"{NAME} {PHONE}", "StationName": NAME}
    planes = np.random.default_rng(0).integers(0, 99, (4, 6, 5)).astype(np.int16)
    write_series(folder / ID / NAME, planes, **facts, **more)
    return ["dicom", str(folder), "--workers", "1"]


def pictures(folder: Path) -> list[str]:
    (folder / NAME).mkdir(parents=True)
    for number in range(4):
        pixels = np.full((32, 32), 40 + number, np.uint8)
        Image.fromarray(pixels).save(folder / NAME / f"{ID}{number}.png")
    rows = [
        {
            "file": f"{NAME}/{ID}{n}.png",
            "patient": f"{ID}{n}",
            "Surname": NAME,
            "phone": PHONE,
            "born": BORN,
            "y": n % 2,
        }
        for n in range(4)
    ]
    table = write_rows(folder / "cases.csv", rows)
    roles = ["--table", str(table), "--image", "file", "--subject", "patient", "--label", "y"]
    return ["images", str(folder), *roles]


def vectors(folder: Path) -> list[str]:
    folder.mkdir()
    rows = [{"who": f"{ID}{n}", "name": NAME, "f0": n, "f1": 1.5} for n in range(3)]
    return [
        "features",
        str(write_rows(folder / "f.csv", rows)),
        "--modality",
        "m",
        "--subject",
        "who",
        "--columns",
        "f",
    ]


def meds(folder: Path) -> list[str]:
    write_meds(folder)
    for file in (folder / "data").rglob("*.parquet"):
        frame = pl.read_parquet(file)
        frame.with_columns(pl.lit(NAME).alias("patient_name"), pl.lit(PHONE).alias("phone")).write_parquet(file)
    return ["meds", str(folder)]


def omop(folder: Path) -> list[str]:
    write_omop(folder)
    person = pl.read_csv(folder / "person.csv", infer_schema=False)
    person.with_columns(pl.lit(f"{ID}-{NAME}").alias("person_source_value")).write_csv(folder / "person.csv")
    return ["omop", str(folder)]


@pytest.mark.parametrize("source", [dicom, pictures, vectors, meds, omop])
def test_what_is_planted_is_in_no_archive_and_in_no_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    given, archive = source(tmp_path / "given"), tmp_path / "out" / "archive"
    assert spoken(tmp_path / "given").count(NAME.encode())
    assert cli.main(["ingest", *given, "--into", str(archive), "--shift-dates", "--cap-ages"]) == 0
    assert cli.main(["audit", str(archive)]) in (0, 2)
    said = "".join(capsys.readouterr()).replace(str(tmp_path), "").encode()
    own_key(archive).unlink()
    for where in (said, spoken(tmp_path / "out"), spoken(tmp_path / "temporary")):
        assert not [word for word in PLANTED if word.encode() in where]


@pytest.mark.parametrize("source", [pictures, vectors])
def test_what_is_planted_is_in_no_refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str], source):
    given = source(tmp_path / "given")
    table = next((tmp_path / "given").rglob("*.csv"))
    table.write_text(table.read_text().replace(f"{ID}1", f"{ID}0").replace("1.5", NAME).replace(".png", ".txt"))
    assert cli.main(["ingest", *given, "--into", str(tmp_path / "archive")]) == 2
    said = "".join(capsys.readouterr()).replace(str(tmp_path), "")
    assert not [word for word in PLANTED if word in said]
    assert not (tmp_path / "archive").exists()


def test_a_planted_covariate_is_refused_and_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    given = pictures(tmp_path / "given")
    assert cli.main(["ingest", *given, "--covariate", "Surname,phone", "--into", str(tmp_path / "archive")]) == 2
    said = "".join(capsys.readouterr()).replace(str(tmp_path), "")
    assert "units.Surname" in said
    assert "units.phone" in said
    assert not [word for word in PLANTED if word in said]
    assert not (tmp_path / "archive").exists()
