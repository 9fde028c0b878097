"""--where and --by: which rows they mean, and what they refuse."""

import polars as pl
import pytest

from semeia.errors import InputError
from semeia.evaluation.strata import strata

FRAME = pl.DataFrame(
    {
        "subject_id": ["p17", "p18", "p19", "p20"],
        "diameter_mm": [5.0, 9.0, None, 16.0],
        "site": ["A", "B", "A", None],
    }
)


def test_where_keeps_rows_and_null_is_not_kept():
    (only,) = strata(FRAME, where="diameter_mm >= 9 AND diameter_mm <= 16")
    assert only.text == "diameter_mm >= 9 AND diameter_mm <= 16"
    assert only.rows.tolist() == [False, True, False, True]


def test_by_gives_all_and_each_value():
    parts = strata(FRAME, by="site")
    assert [part.text for part in parts] == ["all", "site=A", "site=B", "site=missing"]
    assert [part.rows.sum() for part in parts] == [4, 2, 1, 1]


def test_where_and_by_together():
    parts = strata(FRAME, where="diameter_mm < 10", by="site")
    assert [part.text for part in parts] == [
        "diameter_mm < 10",
        "(diameter_mm < 10) AND site=A",
        "(diameter_mm < 10) AND site=B",
    ]


@pytest.mark.parametrize(
    "where", ["diametre > 3", "diameter_mm >", "diameter_mm + 1", "site > 3", "CAST(subject_id AS INT) > 3"]
)
def test_a_bad_expression_is_named_with_the_columns_and_no_patient(where):
    with pytest.raises(InputError) as caught:
        strata(FRAME, where=where)
    message = str(caught.value)
    assert where in message
    assert "subject_id, diameter_mm, site" in message
    assert "p17" not in message
    assert "\n" not in message


def test_an_expression_that_holds_nowhere_is_refused():
    with pytest.raises(InputError, match="none of the 4 rows"):
        strata(FRAME, where="diameter_mm > 100")


@pytest.mark.parametrize(
    ("by", "words"),
    [("scanner", "not a column"), ("subject_id", "would name patients"), ("many", "at most 40")],
)
def test_by_refuses(by, words):
    wide = pl.concat([FRAME] * 20).with_columns(many=pl.int_range(80))
    with pytest.raises(InputError, match=words):
        strata(wide, by=by)
