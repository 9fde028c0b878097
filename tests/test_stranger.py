"""A stranger's first hour: own pictures with dates and covariates, own records, own predictions, by commands alone."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from semeia.cli import main
from strangers import sentences_of

PATIENTS = 30
SMALL = """
seeds: [0]
fractions: [1.0]
draws: 100
workers: 1
pretraining:
  model:
    image: patches
    crop: {voxels: [1, 16, 16], patch: [1, 8, 8]}
    encoder: {dim: 16, depth: 1, heads: 2}
  optimiser: {steps: 6, batch: 8}
finetuning:
  scratch: {steps: 4, batch: 8}
  pretrained: {steps: 4, batch: 8}
"""
MAPPING = """
people: {from: patients, subject: id, sex: sex}
events:
  labs: {from: labs, subject: id, time: reported, code: "'LAB/' || test", value: result, mode: measurement}
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with what a stranger has: exports with semicolons, own names of columns, ids with zeros."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = []
    for number in range(PATIENTS):
        ill, hospital, age = number % 2, ("north", "south")[number % 3 == 0], int(rng.integers(40, 80))
        for visit in range(2):
            name = f"{number:03d}_{visit}.png"
            pixels = rng.integers(0, 160, (24, 24), dtype=np.uint8)
            pixels[8:16, 8:16] += 90 * ill
            Path("scans").mkdir(exist_ok=True)
            Image.fromarray(pixels).save(Path("scans") / name)
            label = "" if number >= PATIENTS - 4 else ("no", "yes")[ill]
            rows.append((name, f"{number:03d}", f"2021-0{visit + 1}-15", age, "FM"[number % 2], label, hospital))
    columns = ["file", "patient", "taken", "age", "sex", "malignant", "hospital"]
    pl.DataFrame(rows, schema=columns, orient="row").write_csv("cases.csv", separator=";")
    Path("small.yaml").write_text(SMALL)
    return tmp_path


def say(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run a command that must end well; what it says, on both outputs."""
    capsys.readouterr()
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    assert code == 0, said.err
    return said.out + said.err


def test_own_images_with_dates_and_covariates(desk: Path, capsys: pytest.CaptureFixture[str]):
    said = say(
        capsys, "ingest", "images", "scans", "--table", "cases.csv", "--image", "file", "--subject", "patient",
        "--time", "taken", "--covariate", "age,sex", "--label", "malignant", "--site", "hospital", "--into", "cases",
    )  # fmt: skip
    assert f"{PATIENTS} subjects" in said
    assert "Next: semeia audit cases" in said
    # What should not matter is held against the label: here sex gives it away.
    assert "sex" in say(capsys, "audit", "cases")
    said = say(capsys, "study", "own", "cases", "--outcome", "malignant", "--config", "small.yaml", "--out", "run")
    assert "report.html" in said
    page = sentences_of(desk / "run/report.html")
    assert "malignant" in page.lower()
    arms = set(json.loads(Path("run/run.json").read_text())["arms"])
    assert {"image_jepa", "image_scratch", "image_random", "image_components", "only_age", "only_sex"} <= arms
    results = pl.read_csv("run/results.csv").filter(arm="only_sex", metric="auroc")
    assert results["value"].max() == 1.0
    # From the answer back to the people: with the key and the table, on the terminal alone.
    predictions = pl.read_parquet("run/predictions.parquet")
    someone = predictions["subject_id"][0]
    said = say(capsys, "whois", "cases", "--table", "cases.csv", "--subject", "patient", "--pseudonym", someone)
    ids = {f"{number:03d}" for number in range(PATIENTS)}
    assert len(ids & set(said.split())) == 1  # whole words: the pseudonym beside it may hold the digits of another id


def test_own_records_to_a_patients_page(desk: Path, capsys: pytest.CaptureFixture[str]):
    rng = np.random.default_rng(1)
    Path("own").mkdir()
    rows = [
        (f"{number:03d}", f"2020-{month:02d}-01", test, round(float(rng.normal(5 + rise * (number % 2) * month)), 2))
        for number in range(PATIENTS)
        for month in range(1, 9)
        for test, rise in [("CRP", 1.0), ("LEUKO", 0.5), ("CREA", 0.0), ("UREA", 0.1)]
    ]
    pl.DataFrame(rows, schema=["id", "reported", "test", "result"], orient="row").write_csv("own/labs.csv")
    people = [(f"{number:03d}", "FM"[number % 2]) for number in range(PATIENTS)]
    pl.DataFrame(people, schema=["id", "sex"], orient="row").write_csv("own/patients.csv")
    Path("own.yaml").write_text(MAPPING)
    assert f"{PATIENTS} subjects" in say(capsys, "ingest", "table", "own", "--mapping", "own.yaml", "--into", "records")
    say(
        capsys, "signatures", "fit", "records", "--out", "signatures", "--components", 2, "--least_patients", 5,
        "--at_least", 200, "--draws", 2, "--accept_unconverged", "true",
    )  # fmt: skip
    assert "CRP" in Path("signatures/atlas.html").read_text()
    say(capsys, "signatures", "express", "signatures", "--archive", "records", "--out", "expressions.csv")
    someone = pl.read_csv("expressions.csv")["pseudonym"][0]
    page = ("--pseudonym", someone, "--out", "patient.html")
    say(capsys, "signatures", "patient", "signatures", "--archive", "records", *page)
    assert "2020-0" not in Path("patient.html").read_text()  # no date of a person


def test_own_predictions(desk: Path, capsys: pytest.CaptureFixture[str]):
    rng = np.random.default_rng(2)
    rows = [(f"{n:03d}", n % 2, round(float(1 / (1 + np.exp(-rng.normal(n % 2)))), 3)) for n in range(80)]
    table = pl.DataFrame(rows, schema=["Patient", "Outcome", "Risk"], orient="row")
    table.write_csv("predictions.csv", separator=";")
    assert main(["evaluate", "predictions.csv", "--out", "results"]) == 2
    refused = capsys.readouterr().err
    assert "column subject_id, label, score is missing. There are: Patient" in refused
    assert "--map NAME=COLUMN says which is which" in refused
    names = ("subject_id=Patient", "label=Outcome,score=Risk")
    assert "auroc" in say(capsys, "evaluate", "predictions.csv", "--map", *names, "--out", "results", "--draws", 200)
    page = sentences_of(desk / "results/report.html")
    assert "80 patients" in page
    assert "pretrain" not in page.lower()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("score", "'score' is not written NAME=COLUMN"),
        ("subject_id=Pat", "has no column 'Pat'. There are: Patient"),
        ("label=Risk,score=Risk", "column subject_id, label is missing"),
        ("label=Patient,subject_id=Patient,score=subject_id", "has no column 'subject_id'"),
    ],
)
def test_names_that_do_not_fit(desk: Path, capsys: pytest.CaptureFixture[str], names: str, words: str):
    Path("predictions.csv").write_text("Patient,Outcome,Risk\n1,0,0.1\n2,1,0.3\n")
    assert main(["evaluate", "predictions.csv", "--map", names, "--out", "results"]) == 2
    assert words in capsys.readouterr().err
