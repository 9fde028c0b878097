"""Tables written beside results.csv come back as they were; stale ones go."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from semeia.errors import InputError
from semeia.report.result_tables import marks_of, read_tables, require_as_written, write_tables


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


def test_a_column_that_holds_something_else_is_named(tmp_path: Path):
    table = pl.DataFrame({"arm": ["a"], "cohort": ["all"], "predicted": ["0.\x00"], "observed": [0.5], "n": [3]})
    write_tables(tmp_path, {"calibration_curves": table})
    with pytest.raises(InputError, match=r"calibration_curves\.csv, column predicted: holds what is no number"):
        read_tables(tmp_path)
    write_tables(tmp_path, {"calibration_curves": table.with_columns(predicted=pl.lit(0.4))})
    assert read_tables(tmp_path)["calibration_curves"]["predicted"].to_list() == [0.4]


def test_tables_that_are_no_longer_as_they_were_written_are_named(tmp_path: Path):
    write_tables(tmp_path, {"one": pl.DataFrame({"arm": ["a"], "value": [0.5]})})
    record = {"tables": marks_of(tmp_path)}
    require_as_written(tmp_path, record)
    path = tmp_path / "tables" / "one.csv"
    path.write_text(path.read_text().replace("0.5", "0.6"))
    with pytest.raises(InputError, match=r"one\.csv: is damaged, or was changed after it was written"):
        require_as_written(tmp_path, record)
    require_as_written(tmp_path, {})  # an older run says nothing of its tables
