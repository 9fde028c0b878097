"""Tables written beside results.csv come back as they were; stale ones go."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from semeia.errors import InputError
from semeia.report.result_tables import read_tables, write_tables


def test_tables_come_back_and_stale_ones_go(tmp_path: Path):
    one, other = pl.DataFrame({"arm": ["a", "b"], "value": [0.5, None]}), pl.DataFrame({"arm": ["<script>"]})
    write_tables(tmp_path, {"one": one, "other": other})
    found = read_tables(tmp_path)
    assert list(found) == ["one", "other"]
    assert_frame_equal(found["one"], one)
    write_tables(tmp_path, {"other": other})
    assert list(read_tables(tmp_path)) == ["other"]


def test_names_that_look_like_numbers_stay_names(tmp_path: Path):
    table = pl.DataFrame(
        {"arm": ["007"], "cohort": ["2024"], "label": [3], "share": pl.Series([None], dtype=pl.Float64)}
    )
    write_tables(tmp_path, {"one": table})
    assert read_tables(tmp_path)["one"].row(0) == ("007", "2024", 3, None)


def test_a_run_without_tables_has_none(tmp_path: Path):
    assert read_tables(tmp_path) == {}
    write_tables(tmp_path, {})
    assert not (tmp_path / "tables").exists()


def test_a_damaged_table_is_named(tmp_path: Path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "one.csv").write_bytes(b"")
    with pytest.raises(InputError, match=r"one\.csv"):
        read_tables(tmp_path)
