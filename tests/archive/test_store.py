"""Reading an archive: tables, pixels, hashes; and what is not an archive is refused in one line."""

import copy
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from archive_folder import small_archive
from semeia.archive import open_archive, writing
from semeia.errors import InputError


def test_tables_outcomes_and_pixels_come_back(tmp_path: Path):
    small_archive(tmp_path / "a")
    archive = open_archive(tmp_path / "a")
    assert archive.table("subjects")["subject_id"].to_list() == [1, 2, 3, 4]
    assert archive.table("units")["diameter_mm"].to_list() == [5.0, 6.0, 5.0, 6.0]
    assert archive.table("reports").height == 0
    assert archive.outcomes() == ["malignancy"]
    assert archive.outcome("malignancy")["value"].to_list() == [0.0, 1.0, 0.0, 1.0]
    for place, row in enumerate(archive.table("images").iter_rows(named=True)):
        pixels = archive.pixels(row)
        assert np.array_equal(pixels, np.random.default_rng(place).integers(0, 256, (12, 10, 3), dtype=np.uint8))
        assert pixels.dtype == np.uint8
        assert not pixels.flags.writeable
    assert archive.verify() == []


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", ">i2", ">f4"])
def test_every_pixel_type_comes_back_in_native_order(tmp_path: Path, dtype: str):
    array = np.arange(24).reshape(4, 6).astype(dtype)
    with writing(tmp_path / "a", source="test") as draft:
        subject_id, pseudonym = draft.subject("1")
        unit_id = draft.unit(pseudonym, subject_id, "patient")
        draft.image(array, unit_id=unit_id, subject_id=subject_id, kind="picture", intensity="display")
    archive = open_archive(tmp_path / "a")
    back = archive.pixels(archive.table("images").row(0, named=True))
    assert np.array_equal(back, array)
    assert back.dtype.name == array.dtype.name
    assert archive.verify() == []


def test_a_second_part_adds_and_may_have_other_covariates(tmp_path: Path):
    small_archive(tmp_path / "a", 2)
    before = open_archive(tmp_path / "a").fingerprint()
    with writing(tmp_path / "a", source="more") as draft:
        known, _ = draft.subject("CANARY-1", site="north", sex="F")
        new, _ = draft.subject("CANARY-9", site="north")
        draft.unit("x", new, "nodule", covariates={"kernel": "B", "diameter_mm": None})
    archive = open_archive(tmp_path / "a")
    assert (known, new) == (2, 3)
    assert archive.table("subjects")["sex"].to_list() == [None, "F", None]
    assert archive.table("units")["kernel"].to_list() == [None, None, "B"]
    assert archive.table("units")["diameter_mm"].to_list() == [5.0, 6.0, None]
    assert archive.fingerprint() != before


def test_a_copy_for_a_worker_reopens_the_folder(tmp_path: Path):
    small_archive(tmp_path / "a")
    archive = open_archive(tmp_path / "a")
    assert copy.copy(archive).fingerprint() == archive.fingerprint()
    assert archive.__reduce__() == (open_archive, (tmp_path / "a",))


def test_unlisted_files_do_not_count(tmp_path: Path):
    small_archive(tmp_path / "a")
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "a" / "units" / "0002.parquet")
    archive = open_archive(tmp_path / "a")
    assert archive.table("units").height == 4
    assert archive.verify() == []


def test_changed_and_missing_files_are_found(tmp_path: Path):
    small_archive(tmp_path / "a")
    pixels = tmp_path / "a" / "pixels" / "0001.bin"
    pixels.write_bytes(b"\1" + pixels.read_bytes()[1:])
    (tmp_path / "a" / "readings" / "0001.parquet").unlink()
    archive = open_archive(tmp_path / "a")
    assert archive.verify() == [
        "pixels/0001.bin: the content has changed since it was written",
        "readings/0001.parquet: the file is missing",
    ]
    with pytest.raises(InputError, match=r"0001.parquet: missing from the archive"):
        archive.table("readings")


@pytest.mark.parametrize("place", [0, 200, -1])
def test_a_changed_byte_is_noticed_where_it_would_be_used(tmp_path: Path, place: int):
    small_archive(tmp_path / "a", 2)
    pixels = tmp_path / "a" / "pixels" / "0001.bin"
    content = bytearray(pixels.read_bytes())
    content[place] ^= 1
    pixels.write_bytes(bytes(content))
    archive = open_archive(tmp_path / "a")
    with pytest.raises(InputError, match=r"pixels/0001.bin: pixels have changed since they were ingested; restore"):
        [archive.pixels(row) for row in archive.table("images").iter_rows(named=True)]


def test_a_changed_label_is_noticed_where_it_would_be_used(tmp_path: Path):
    small_archive(tmp_path / "a", 2)
    archive = open_archive(tmp_path / "a")
    labels = tmp_path / "a" / "outcomes" / "malignancy" / "0001.parquet"
    pl.read_parquet(labels).with_columns(value=1 - pl.col("value")).write_parquet(labels)
    with pytest.raises(InputError, match=r"malignancy/0001.parquet: has changed since it was written"):
        archive.outcome("malignancy")


def test_damaged_parts_are_named(tmp_path: Path):
    small_archive(tmp_path / "a")
    (tmp_path / "a" / "units" / "0001.parquet").write_bytes(b"PAR1 nonsense")
    (tmp_path / "a" / "pixels" / "0001.bin").write_bytes(b"short")
    archive = open_archive(tmp_path / "a")
    with pytest.raises(InputError, match=r"units/0001.parquet: has changed since it was written"):
        archive.table("units")
    with pytest.raises(InputError, match=r"pixels/0001.bin: too short"):
        archive.pixels(archive.table("images").row(0, named=True))


def test_unknown_names_list_those_there_are(tmp_path: Path):
    small_archive(tmp_path / "a")
    archive = open_archive(tmp_path / "a")
    with pytest.raises(InputError, match="no outcome 'death'; it has malignancy"):
        archive.outcome("death")
    with pytest.raises(InputError, match="no table 'scans'"):
        archive.table("scans")


def test_what_is_not_an_archive_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no such archive"):
        open_archive(tmp_path / "absent")
    with pytest.raises(InputError, match=r"not an archive \(it has no archive.json\)"):
        open_archive(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "archive.json: damaged"),
        ("[]", "archive.json: damaged"),
        ("[" * 100_000, "archive.json: damaged"),
        ('{"schema_version": 99}', "newer Semeia"),
        (
            '{"schema_version": 1, "key_fingerprint": "", "parts": [{"files": {"../x/0001.bin": "0"}}]}',
            "damaged",
        ),
        (
            '{"schema_version": 1, "key_fingerprint": "", "parts": [{"files": {"units/../../1.bin": "0"}}]}',
            "damaged",
        ),
        ('{"schema_version": 1, "parts": []}', "damaged"),
    ],
)
def test_a_damaged_or_newer_listing_is_refused(tmp_path: Path, content: str, words: str):
    (tmp_path / "archive.json").write_text(content)
    with pytest.raises(InputError, match=words):
        open_archive(tmp_path)


def test_a_row_that_points_elsewhere_is_refused(tmp_path: Path):
    small_archive(tmp_path / "a")
    archive = open_archive(tmp_path / "a")
    row = archive.table("images").row(0, named=True)
    for change in (
        {"part": "../../etc/passwd"},
        {"dtype": "object"},
        {"offset": -1},
        {"shape": [0]},
        {"shape": [9**9]},
    ):
        with pytest.raises(InputError):
            archive.pixels(row | change)


def test_the_listing_says_where_everything_comes_from(tmp_path: Path):
    small_archive(tmp_path / "a")
    listing = json.loads((tmp_path / "a" / "archive.json").read_text())
    part = listing["parts"][0]
    assert set(listing) == {"schema_version", "key_fingerprint", "identity", "parts"}
    assert set(part) == {"source", "created", "semeia_version", "files", "notes"}
    assert all(len(sha) == 64 for sha in part["files"].values())
