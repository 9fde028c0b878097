"""A table is cast to its declared types or refused with its name and column."""

import polars as pl
import pytest

from semeia.archive import TABLES, check
from semeia.errors import InputError

READINGS = {
    "unit_id": ["a", "b"],
    "subject_id": [1, 2],
    "reader": ["r", "r"],
    "item": ["i", "i"],
    "value": [1, 2],
}


def test_types_order_and_absent_nullable_columns_are_mended():
    frame = pl.DataFrame({"kind": ["nodule"], "subject_id": ["7"], "unit_id": ["u"], "diameter_mm": [4.5]})
    checked = check(TABLES["units"], frame, where="here")
    assert checked.columns == ["unit_id", "subject_id", "kind", "time", "region", "diameter_mm"]
    assert checked["subject_id"].to_list() == [7]
    assert checked["time"].to_list() == [None]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": None}, "lacks the column.*value"),
        ({"value": ["x", "y"]}, "'value' is not Float64"),
        ({"value": [1.0, None]}, "'value' is empty in 1 rows"),
        ({"unit_id": ["a", "a"], "subject_id": [1, 1]}, "2 rows of 'readings' repeat a key"),
        ({"further": [1, 2]}, "has no column.*further"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, list | None], words: str):
    columns = {name: values for name, values in (READINGS | change).items() if values is not None}
    with pytest.raises(InputError, match=f"here.*{words}"):
        check(TABLES["readings"], pl.DataFrame(columns, strict=False), where="here")


def test_empty_tables_pass():
    for table in TABLES.values():
        assert check(table, table.empty(), where="here").equals(table.empty())
