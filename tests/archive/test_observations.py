"""Observations with and without a unit: arrays, ratings and reports of a patient at a time; older archives."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from archive_folder import small_archive
from semeia.archive import open_archive, writing
from semeia.archive.hashing import file_sha256
from semeia.archive.store import MANIFEST
from semeia.errors import InputError

DAY = dt.datetime(2020, 3, 1, 9)


def test_arrays_come_back_with_their_patient_unit_and_time(tmp_path: Path):
    signal, vector = np.random.default_rng(0).normal(size=(3, 7)), np.arange(4)
    with writing(tmp_path / "a", source="test") as draft:
        subject, name = draft.subject("CANARY-1", site="north", split=None)
        unit = draft.unit(f"{name}/v", subject, "visit", time=DAY)
        draft.array(signal, modality="ecg", subject_id=subject, time=DAY)
        draft.array(vector, modality="features", subject_id=subject, unit_id=unit)
        draft.array(signal + 1, modality="ecg", subject_id=subject, time=DAY)
    assert "3 arrays" in str(draft.summary)
    archive = open_archive(tmp_path / "a")
    found = archive.arrays("ecg")
    assert found["unit_id"].to_list() == [None, None]
    assert found["time"].to_list() == [DAY, DAY]
    for row, expected in zip(found.iter_rows(named=True), (signal, signal + 1), strict=True):
        np.testing.assert_array_equal(archive.pixels(row), expected.astype(np.float32))
    (row,) = archive.arrays("features").iter_rows(named=True)
    assert (row["unit_id"], row["time"]) == (unit, None)
    assert archive.pixels(row).tolist() == [0, 1, 2, 3]
    assert archive.arrays("eeg").is_empty()


@pytest.mark.parametrize(
    ("modality", "shape", "words"),
    [
        ("ECG-12", (2, 3), "lower case letters"),
        ("ecg", (2, 3, 4), "shape"),
        ("ecg", (0, 3), "shape"),
        ("", (2,), "lower"),
    ],
)
def test_arrays_that_cannot_be_are_refused(tmp_path: Path, modality: str, shape: tuple[int, ...], words: str):
    with writing(tmp_path / "a", source="test") as draft:
        subject, _ = draft.subject("CANARY-1", site="north", split=None)
        with pytest.raises(InputError, match=words):
            draft.array(np.zeros(shape), modality=modality, subject_id=subject)
    assert open_archive(tmp_path / "a").table("arrays").is_empty()


def test_two_reports_of_one_moment_stay_two_and_one_twice_is_refused(tmp_path: Path):
    def write(folder: Path, *texts: str) -> None:
        with writing(folder, source="test") as draft:
            subject, name = draft.subject("CANARY-1", site="north", split=None)
            draft.unit(f"{name}/v", subject, "visit", time=DAY)
            for text in texts:
                draft.report(None, subject, text=text, time=DAY)

    write(tmp_path / "a", "no effusion", "large effusion")
    assert open_archive(tmp_path / "a").table("reports")["text"].to_list() == ["no effusion", "large effusion"]
    with pytest.raises(InputError, match="repeat a key"):
        write(tmp_path / "b", "no effusion", "no effusion")


def test_ratings_of_a_patient_at_two_times_are_two(tmp_path: Path):
    with writing(tmp_path / "a", source="test") as draft:
        subject, _ = draft.subject("CANARY-1", site="north", split=None)
        for value in range(2):
            time = DAY + dt.timedelta(days=value)
            draft.reading(None, subject, reader="input", item="pain", value=value, time=time)
    readings = open_archive(tmp_path / "a").table("readings")
    assert readings["value"].to_list() == [0.0, 1.0]
    assert readings["unit_id"].null_count() == 2


def test_an_archive_of_an_earlier_version_is_read(tmp_path: Path):
    """Schema 2 had no arrays, and neither ratings nor reports had a time."""
    small_archive(tmp_path / "a", 3)
    now = open_archive(tmp_path / "a")
    expected = {name: now.table(name) for name in ("units", "images", "readings", "reports", "arrays")}
    manifest = tmp_path / "a" / MANIFEST
    listing = json.loads(manifest.read_text())
    for file in (tmp_path / "a").glob("re*/*.parquet"):
        pl.read_parquet(file).drop("time").write_parquet(file)
        for part in listing["parts"]:
            part["files"] |= {name: file_sha256(tmp_path / "a" / name) for name in part["files"]}
    manifest.write_text(json.dumps(listing | {"schema_version": 2}))
    older = open_archive(tmp_path / "a")
    for name, table in expected.items():
        assert older.table(name).equals(table), name
    assert older.table("readings")["time"].null_count() == older.table("readings").height == 3
