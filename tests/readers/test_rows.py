"""A user's table becomes rows of text; what cannot be read is named by file, row and column."""

from pathlib import Path

import polars as pl
import pytest

from semeia.errors import InputError
from semeia.readers.rows import folder_given, progress, read_rows


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_every_kind_of_table_gives_the_same_rows(tmp_path: Path, suffix: str):
    frame = pl.DataFrame({"id": ["007", " x "], "n": [1.5, None]})
    path = tmp_path / f"table[1].{suffix}"
    if suffix == "parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path, separator="\t" if suffix == "tsv" else ",")
    rows = read_rows(path, required=["id", "n"])
    assert [row.cells for row in rows] == [{"id": "007", "n": "1.5"}, {"id": "x", "n": None}]
    assert [row.number for row in rows] == [2, 3]
    assert rows[0].number_or_none("n") == 1.5
    assert rows[0].number_or_none("absent") is None
    with pytest.raises(InputError, match="row 3, column n: is empty"):
        rows[1].text("n")
    with pytest.raises(InputError, match="row 3, column id: is not a number"):
        rows[1].number_or_none("id")


@pytest.mark.parametrize("number", ["nan", "inf", "1,5"])
def test_what_is_no_finite_number_is_refused(tmp_path: Path, number: str):
    (tmp_path / "t.tsv").write_text(f"n\tm\n{number}\t1\n")
    with pytest.raises(InputError, match="row 2, column n: is not a number"):
        read_rows(tmp_path / "t.tsv", required=["n"])[0].number_or_none("n")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.csv", None, "no such table"),
        ("t.xlsx", b"x", "a table must end in .csv, .tsv or .parquet"),
        ("t.parquet", b"PAR1 x", "cannot be read as a table"),
        ("t.csv", b"", "cannot be read as a table"),
        ("t.csv", b"a\n\xff\xfe\n", "cannot be read as a table"),
        ("t.csv", b"a,b\n", "has a header but no rows"),
        ("t.csv", b"b\n1\n", r"lacks the column\(s\) a"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, content: bytes | None, words: str):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: {words}"):
        read_rows(tmp_path / name, required=["a"])


def test_a_folder_must_be_there(tmp_path: Path):
    assert folder_given(str(tmp_path)) == tmp_path
    with pytest.raises(InputError, match="absent: no such folder"):
        folder_given(tmp_path / "absent")


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_shows_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: bool
):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    assert list(progress([1, 2, 3], "Counting")) == [1, 2, 3]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert ("Counting" in captured.err) <= terminal
