"""A text table is read as its header says: separator, names, quotes; a file without a proper header is refused."""

import gzip
from pathlib import Path

import duckdb
import pytest

from semeia.errors import InputError
from semeia.readers.records.sources import read_text


def rows(file: Path) -> list[tuple]:
    return duckdb.sql(f"SELECT * FROM {read_text(file)}").fetchall()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('id,name\n1,"a, b"\n2,"say ""so"""\n3,\n', [("1", "a, b"), ("2", 'say "so"'), ("3", None)]),
        ('id\tname\n1\tthe "new" one\n2\ta, b\n', [("1", 'the "new" one'), ("2", "a, b")]),
        ("id;name\r\n1;1,5\r\n", [("1", "1,5")]),
        ("id|name\n1|x\n", [("1", "x")]),
        ("\ufeffid\n001\n", [("001",)]),
        ("id,name\n", []),
        ('"my id","na,me"\n1,\'\n', [("1", "'")]),
    ],
)
def test_the_header_says_how(tmp_path: Path, text: str, expected: list[tuple]):
    (tmp_path / "a [1]*.csv").write_bytes(text.encode())
    assert rows(tmp_path / "a [1]*.csv") == expected
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert rows(tmp_path / "b.csv.gz") == expected


@pytest.mark.parametrize("content", [b"\n1,2\n", b"id,,x\n", b"id,ID\n", b"\xff\xfe\x00i\x00d\n"])
def test_without_a_header_it_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"a.csv: row 1"):
        read_text(tmp_path / "a.csv")


def test_a_damaged_gzip_is_refused(tmp_path: Path):
    (tmp_path / "a.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match=r"a.csv.gz: cannot be read"):
        read_text(tmp_path / "a.csv.gz")
