"""Each code has one usual unit; values in another get a code of their own; spelling does not count."""

import duckdb
import polars as pl
import pytest

from semeia.readers.records.units_apart import known_unit, usual_units


def tally(*rows: tuple[str, str | None, int]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema={"code": pl.String, "unit": pl.String, "numbers": pl.Int64}, orient="row")
    return frame.with_columns(events=pl.col("numbers") + 1)


def test_the_unit_of_most_values_is_usual_and_the_others_apart():
    usual, apart = usual_units(tally(("K", "mmol/L", 5), ("K", "mg/dL", 3), ("K", None, 90), ("A", None, 4)))
    assert usual.rows() == [("K", "mmol/L")]
    assert apart.rows() == [("K", "mg/dL", "K//mg/dL", "mg/dL")]


def test_spelling_is_not_a_unit():
    usual, apart = usual_units(tally(("K", "mg/dL", 5), ("K", "MG / DL", 6), ("K", "mmol/l", 4), ("K", "mmol/L", 3)))
    assert usual.rows() == [("K", "MG / DL")]
    assert sorted(apart.rows()) == [
        ("K", "mmol/L", "K//mmol/l", "mmol/l"),
        ("K", "mmol/l", "K//mmol/l", "mmol/l"),
    ]


@pytest.mark.parametrize(
    "spellings", [("mmHg", "mm Hg", "MM HG", "mm[Hg]"), ("umol/L", "\u00b5mol/L", "\u03bcmol/L", "UMOL/L")]
)
def test_brackets_and_signs_for_micro_are_spelling(spellings: tuple[str, ...]):
    usual, apart = usual_units(tally(*(("K", spelling, 9 - place) for place, spelling in enumerate(spellings))))
    assert usual.rows() == [("K", spellings[0])]
    assert apart.is_empty()


def test_a_unit_without_values_is_named_but_never_apart():
    usual, apart = usual_units(tally(("K", "a", 0), ("K", "b", 0), ("L", "g", 2), ("L", "kg", 0)))
    assert usual.rows() == [("K", "a"), ("L", "g")]
    assert apart.is_empty()


@pytest.mark.parametrize(("given", "known"), [(" mg ", "mg"), ("UNK", None), ("", None), ("N/A", None), ("%", "%")])
def test_words_for_not_knowing_are_no_unit(given: str, known: str | None):
    assert duckdb.sql(f"SELECT {known_unit('it')} FROM (SELECT '{given}' AS it)").fetchall() == [(known,)]
