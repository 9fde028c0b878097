"""duckdb stays within its memory, its folder and its scratch, and takes odd file names as they are."""

from pathlib import Path

import duckdb
import pytest

from semeia.archive.duck import connected, literal, one_file
from semeia.errors import InputError

ODD = "it's [a] *table?.parquet"


def test_a_stranger_s_sql_reaches_its_folder_only(tmp_path: Path):
    inside, outside, scratch = (tmp_path / name for name in ("inside", "outside", "scratch"))
    for folder in (inside, outside, scratch):
        folder.mkdir()
    with connected(scratch) as free:
        for folder in (inside, outside):
            free.execute(f"COPY (SELECT 1 AS one) TO {literal(folder / ODD)} (FORMAT parquet)").fetchall()
    with connected(scratch, reads=inside) as held:
        assert held.execute(f"SELECT * FROM read_parquet([{one_file(inside / ODD)}])").fetchall() == [(1,)]
        held.execute(f"COPY (SELECT 2) TO {literal(scratch / 'own.parquet')} (FORMAT parquet)").fetchall()
        for query in (
            f"SELECT * FROM read_parquet([{one_file(outside / ODD)}])",
            f"COPY (SELECT 2) TO {literal(outside / 'new.parquet')} (FORMAT parquet)",
            "SET enable_external_access = true",
            "INSTALL httpfs",
        ):
            with pytest.raises(duckdb.Error):
                held.execute(query).fetchall()
    assert [file.name for file in outside.iterdir()] == [ODD]


def test_times_are_in_utc(tmp_path: Path):
    with connected(tmp_path) as connection:
        query = "SELECT CAST(TIMESTAMPTZ '2020-01-01 00:00:00+02' AT TIME ZONE 'UTC' AS VARCHAR)"
        assert connection.execute(query).fetchall() == [("2019-12-31 22:00:00",)]


def in_a_megabyte(scratch: Path, query: str) -> None:
    with connected(scratch) as connection:
        connection.execute("SET memory_limit = '1MB'")
        connection.execute(query).fetchall()


def test_too_little_memory_is_one_line(tmp_path: Path):
    with pytest.raises(InputError, match="no room left to sort; free memory or disk space"):
        in_a_megabyte(tmp_path, "SELECT list(range) FROM range(10000000)")
