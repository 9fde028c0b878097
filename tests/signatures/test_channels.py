"""Channels: codes of enough training patients, in a reproducible order, with the mode their records support."""

from pathlib import Path

import polars as pl
import pytest

from record_archive import random_rows, record_archive
from record_frames import small_channels
from semeia.errors import InputError
from semeia.signatures.channels import Channels, channels_of


def test_codes_of_enough_patients_by_mode_and_code(tmp_path: Path):
    archive = record_archive(tmp_path / "a", random_rows(12, 60), patients=12)

    table = channels_of(archive, range(1, 13), least_patients=6).table

    assert table["channel"].to_list() == list(range(table.height))
    assert table.select("mode", "code").rows() == [
        ("demographic", "RACE//X"),
        ("demographic", "sex=F"),
        ("demographic", "sex=M"),
        ("condition", "C/1"),
        ("condition", "C/2"),
        ("condition", "ORDERED"),  # a measurement that never has a number
        ("medication", "D/1"),
        ("medication", "D/2"),
        ("measurement", "L/1"),
        ("measurement", "L/2"),
    ]
    assert table["name"].to_list()[:2] == ["RACE//X", "Sex: F"]


def test_only_training_patients_count(tmp_path: Path):
    archive = record_archive(tmp_path / "a", random_rows(12, 60), patients=12)

    assert "RARE" in channels_of(archive, [1, 2], least_patients=2).table["code"]
    assert "RARE" not in channels_of(archive, [1, *range(3, 13)], least_patients=2).table["code"]


def test_a_measurement_needs_numbers_in_enough_patients(tmp_path: Path):
    rows = [(subject, 1.0, "L/1", 5.0 if subject == 1 else None) for subject in range(1, 5)]
    rows += [(subject, 1.0, "C/1", None) for subject in range(1, 5)]
    archive = record_archive(tmp_path / "a", rows, patients=4)

    assert channels_of(archive, range(1, 5), least_patients=2).table["code"].to_list() == ["sex=F", "sex=M", "C/1"]


def test_measurements_have_the_limits_of_the_training_patients_values(tmp_path: Path):
    rows = [(subject, float(hour), "L/1", 5.0 + hour) for subject in (1, 2) for hour in range(60)]
    rows += [(2, 70.0, "L/1", 1e6), (3, 1.0, "L/1", -1e6), (1, 1.0, "C/1", 3.0), (2, 1.0, "C/1", 4.0)]
    archive = record_archive(tmp_path / "a", rows, patients=3)

    channels = channels_of(archive, [1, 2], least_patients=2)

    limits = {code: (low, high) for code, low, high in channels.table.select("code", "lowest", "highest").iter_rows()}
    assert limits["L/1"] == pytest.approx((2 * 5 - 35, 2 * 64 - 35), abs=3)
    assert limits["C/1"] == (None, None)
    assert [limit[list(limits).index("C/1")] for limit in channels.limits] == [-float("inf"), float("inf")]


def test_nothing_in_enough_patients(tmp_path: Path):
    archive = record_archive(tmp_path / "a", random_rows(3, 5), patients=3)
    with pytest.raises(InputError, match="no code is in 10 training patients; lower least_patients"):
        channels_of(archive, [1, 2, 3])


def test_the_digest_tells_channels_apart():
    table = small_channels().table

    assert Channels(table).digest() == small_channels().digest()
    assert Channels(table.with_columns(fill=pl.lit(1.0))).digest() != small_channels().digest()
    assert Channels(table).kinds.count("age") == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mode": pl.lit("other")}, r"no curve for the mode\(s\) other"),
        ({"code": pl.lit("same")}, "no code may be there twice"),
        ({"channel": pl.col("channel") + 1}, "numbers must run from 0"),
    ],
)
def test_tables_that_are_no_channels(change: dict[str, pl.Expr], words: str):
    with pytest.raises(InputError, match=words):
        Channels(small_channels().table.with_columns(**change))
