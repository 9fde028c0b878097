"""Conditions on rows: what they mean is what SQL says of them, and nothing else can be said with them."""

import sqlite3

import polars as pl
import pytest

from semeia.errors import InputError
from semeia.evaluation.where import parse_condition

TABLE = pl.DataFrame(
    {
        "age": [40, 59, 60, 75, None],
        "size": [1.5, -2.0, None, 8.0, 9.25],
        "site": ["A", "B", "A", None, "O'Hara"],
        "odd name": [1, 2, 3, 4, 5],
    }
)
FLAGS = TABLE.with_columns(flag=pl.Series([True, False, None, True, False]))


@pytest.mark.parametrize(
    "condition",
    [
        "age >= 60",
        "age>=60 AND size <> 8",
        "age < 60 OR site = 'A' AND size > 0",
        "(age < 60 OR site = 'A') AND size > 0",
        "NOT site = 'A'",
        "not (age > 50 or size < 0)",
        "site IN ('A', 'O''Hara')",
        "site NOT IN ('A')",
        "age IS NULL OR size IS NOT NULL",
        "age BETWEEN 59 AND 60",
        "age NOT BETWEEN 59 AND 60 AND size > -3.5e0",
        "size = -2",
        '"odd name" != 3',
        "age > size",
        "60 <= age",
        ".5 < size",
    ],
)
def test_a_condition_means_what_sqlite_says(condition: str):
    with sqlite3.connect(":memory:") as database:
        database.execute('CREATE TABLE t (age INT, size REAL, site TEXT, "odd name" INT)')
        database.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", TABLE.rows())
        expected = [row[0] for row in database.execute(f'SELECT "odd name" FROM t WHERE {condition}')]
    kept = TABLE.filter(parse_condition(condition, TABLE))
    assert kept["odd name"].to_list() == expected


def test_booleans():
    found = parse_condition("flag AND NOT age = 40 OR flag = FALSE", FLAGS)
    assert FLAGS.filter(found)["odd name"].to_list() == [2, 4, 5]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("site IN (SELECT x FROM read_csv('/etc/passwd'))", "there is SELECT"),
        ("read_csv('/etc/passwd') = 1", "functions are not known"),
        ("age > 1; DROP TABLE t", "; means nothing"),
        ("age > 1 -- 2", "expected"),
        ("site LIKE 'A%'", "there is LIKE"),
        ("age + 1 > 2", r"\+ means nothing"),
        ("CAST(site AS INT) > 1", "functions are not known"),
        ("age >", "but it ends"),
        ("", "but it ends"),
        ("(age > 1", "but it ends"),
        ("age", "not true or false for each row"),
        ("age AND size > 1", "column age stands at AND"),
        ("site > 3", "column site .text. cannot be compared with a number"),
        ("aeg > 3", "there is no column aeg"),
        ("age > 1 size", "expected AND, OR or the end"),
        ("site = 'A", "' means nothing"),
        ("(" * 60 + "age > 1" + ")" * 60, "nested more than 50"),
        ("age > 1 OR " * 500 + "age > 1", "at most 4000"),
    ],
)
def test_everything_else_is_refused_in_words(condition: str, words: str):
    with pytest.raises(InputError, match=words):
        parse_condition(condition, TABLE)
