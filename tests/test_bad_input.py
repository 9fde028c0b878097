"""Bad input through the command line: each is one clear line and exit code 2, and nothing on disk is lost."""

import errno
import os
from pathlib import Path

import polars as pl
import pytest

from archive_folder import listing
from lidc_folder import read_rows, write_lidc_folder, write_rows
from prediction_tables import predictions
from semeia import cli


@pytest.fixture
def lidc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A miniature LIDC folder in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lidc").mkdir()
    return write_lidc_folder(tmp_path / "lidc", patients=2)


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """Runs a command that must end with code 2 and one line that holds `said`, having changed nothing."""

    def check(*words: object, said: str) -> None:
        before = listing(tmp_path)
        capsys.readouterr()

        assert cli.main([str(word) for word in words]) == 2

        out, err = capsys.readouterr()
        assert said in err
        assert err.count("\n") == 1
        assert "LIDC-IDRI-0" not in err
        assert not out
        assert listing(tmp_path) == before

    return check


def test_missing_folder_table_archive_run_and_predictions(lidc: Path, refused):
    refused("ingest", "nodules", "absent", "--into", "archive", said="absent: no such folder.")
    (lidc / "nodules.csv").unlink()
    refused("ingest", "nodules", lidc, "--into", "archive", said="nodules.csv: no such table (a file that ends in")
    refused("audit", "absent", said="absent: no such archive")
    refused("study", "nodule", "--archive", "absent", "--out", "run", said="absent: no such archive")
    refused("study", "list", "absent", said="absent")
    refused("predict", "absent", "--archive", "absent", "--out", "p.csv", said="absent")
    refused("evaluate", "absent.csv", "--out", "results", said="absent.csv: no such table")
    refused("report", "absent", said="results.csv: not found")


def test_missing_and_corrupted_image(lidc: Path, refused):
    crop = min(lidc.glob("*/*_img8.nii.gz"))
    crop.write_bytes(crop.read_bytes()[:100])
    refused("ingest", "nodules", lidc, "--into", "archive", said="nodules.csv, row 2")
    crop.unlink()
    refused("ingest", "nodules", lidc, "--into", "archive", said="nodules.csv, row 2")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"malignancies": "3|4|9|3"}, "row 2, column malignancies: each rating must be a whole number from 1 to 5"),
        ({"diameter_mm": "-1"}, "row 2, column diameter_mm: must be above 0."),
        ({"nodule": "1"}, "row 3, column nodule: repeats the nodule of row 2"),
    ],
)
def test_values_that_cannot_be(lidc: Path, changes: dict[str, object], said: str, refused):
    rows = read_rows(lidc / "nodules.csv")
    write_rows(lidc / "nodules.csv", [rows[0] | changes, *rows[1:]])

    refused("ingest", "nodules", lidc, "--into", "archive", said=said)


def test_wrong_columns(lidc: Path, refused):
    rows = read_rows(lidc / "nodules.csv")
    write_rows(lidc / "nodules.csv", [{k: v for k, v in row.items() if k != "texture"} for row in rows])

    refused("ingest", "nodules", lidc, "--into", "archive", said="lacks the column(s) texture.")


def test_a_patient_in_two_splits(tmp_path: Path, refused):
    from PIL import Image

    for name in ("a.png", "b.png"):
        Image.new("L", (8, 8)).save(tmp_path / name)
    write_rows(
        tmp_path / "cases.csv",
        [
            {"file": "a.png", "who": "LIDC-IDRI-01", "part": "train"},
            {"file": "b.png", "who": "LIDC-IDRI-01", "part": "test"},
        ],
    )
    options = ("--table", tmp_path / "cases.csv", "--image", "file", "--subject", "who", "--split", "part")

    refused(
        "ingest", "images", tmp_path, *options, "--into", tmp_path / "archive",
        said="row 3, column part: this patient is in another split in row 2.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"score": pl.lit(float("nan"))}, "column score, row 1: is missing"),
        ({"score": pl.lit(1.5)}, "column score, row 1: is not a probability"),
        ({"label": pl.lit(2)}, "column label, row 1: is neither 0 nor 1"),
        ({"label": pl.lit(1)}, "nothing can be evaluated (the cell left out, its rows are all of one class"),
        ({"label": pl.lit(None, pl.Int64)}, "column label is null in every row"),
        ({"subject_id": pl.lit(None, pl.String)}, "column subject_id, row 1: is missing"),
    ],
)
def test_predictions_that_cannot_be_evaluated(tmp_path: Path, change: dict[str, pl.Expr], said: str, refused):
    table = predictions(seeds=1, arms={"model": 1.0}, cohorts=("all",), patients=20).with_columns(**change)
    table.write_csv(tmp_path / "p.csv")

    refused("evaluate", tmp_path / "p.csv", "--out", tmp_path / "results", "--draws", 100, said=said)


def test_options_that_the_table_does_not_know(tmp_path: Path, refused):
    predictions(seeds=1, patients=20).write_csv(tmp_path / "p.csv")
    start = ("evaluate", tmp_path / "p.csv", "--out", tmp_path / "results", "--draws")

    refused(*start, 100, "--where", "diametr > 3", said="'diametr > 3' at character 1: there is no column diametr")
    refused(*start, 100, "--by", "hospital", said="hospital")
    refused(*start, 100, "--reference", "nobody", said="reference 'nobody' is not among the arms")
    refused(*start, 3, said="an interval needs at least 100")


def test_what_is_there_is_not_overwritten(lidc: Path, tmp_path: Path, refused):
    predictions(seeds=1, patients=20).write_csv("p.csv")
    assert cli.main(["ingest", "nodules", str(lidc), "--into", "archive"]) == 0
    assert cli.main(["evaluate", "p.csv", "--out", "results", "--draws", "100"]) == 0

    refused("evaluate", "p.csv", "--out", "results", said="results: already holds run.json")  # other draws
    refused("predict", "run", "--archive", "archive", "--out", "p.csv", said="p.csv: is there already")
    refused("embed", "run", "--archive", "archive", "--arm", "a", "--out", "x.txt", said="written as .csv or .parquet")


def test_a_file_where_a_folder_should_be(lidc: Path, refused):
    predictions(seeds=1, patients=20).write_csv("p.csv")

    refused("ingest", "nodules", lidc, "--into", "p.csv", said="p.csv")
    refused("ingest", "nodules", lidc, "--into", "p.csv/archive", said="cannot be created: Not a directory.")
    refused("evaluate", "p.csv", "--out", "p.csv", said="p.csv: is a file")
    refused("evaluate", "p.csv", "--out", "p.csv/results", "--draws", 100, said="Not a directory")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to the superuser")
def test_a_read_only_folder(lidc: Path, tmp_path: Path, refused):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)

    refused("ingest", "nodules", lidc, "--into", closed / "archive", said="Permission denied")


def test_a_full_disk(lidc: Path, monkeypatch: pytest.MonkeyPatch, refused):
    predictions(seeds=1, patients=20).write_csv("p.csv")
    Path("results").mkdir()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)

    refused("ingest", "nodules", lidc, "--into", "archive", said="No space left on device")
    refused("evaluate", "p.csv", "--out", "results", "--draws", 100, said="No space left on device")
