"""A unit's random numbers follow from the seed and its name."""

import polars as pl
import pytest

from semeia.errors import InputError
from semeia.worlds.draws import generator, require_columns, with_grades


def test_seed_and_name_decide():
    first = generator(0, "findings", "a").random(4).tolist()
    assert first == generator(0, "findings", "a").random(4).tolist()
    for other in (generator(1, "findings", "a"), generator(0, "findings", "b"), generator(0, "readings", "a")):
        assert other.random(4).tolist() != first
    assert generator(0, "ab", "c").random() != generator(0, "a", "bc").random()


def test_what_a_frame_must_have():
    with pytest.raises(InputError, match="lacks the column 'grade'"):
        require_columns(pl.DataFrame({"unit_id": ["a"]}), "unit_id", "grade")
    with pytest.raises(InputError, match="'unit_id' is empty in 1 rows"):
        require_columns(pl.DataFrame({"unit_id": ["a", None]}), "unit_id")


def test_grades_are_whole():
    for grades in ([0, 5], [0.5, 1.0], ["mild", "2"]):
        with pytest.raises(InputError, match="'grade' must be 0 to 4"):
            with_grades(pl.DataFrame({"grade": grades}))
    graded = with_grades(pl.DataFrame({"grade": [0.0, 4.0], "unit_id": ["a", "b"]}))
    assert graded.rows() == [(0, "a"), (4, "b")]
    assert graded["grade"].dtype == pl.Int64
