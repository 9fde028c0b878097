"""Any common dialect of a table gives the same cells; what cannot be read says where and never what is in a cell."""

import datetime as dt
import gzip
from pathlib import Path

import polars as pl
import pytest

from semeia.archive.table_file import as_text, read_table
from semeia.errors import InputError

ROWS = [("a b.png", "P1", "1"), ("c.png", "P2", None)]
PLAIN = "file,patient,label\na b.png,P1,1\nc.png,P2,\n"


def read(path: Path, content: str | bytes, **options) -> list[tuple]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return as_text(read_table(path, **options)).frame.rows()


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", ", "),
        PLAIN.replace("\n", "\r\n"),
        "\ufeff" + PLAIN,
        "sep=;\n" + PLAIN.replace(",", ";"),
        PLAIN + ",,\n,,\n\n",
        PLAIN.replace("P2,", "P2"),  # Excel leaves the last commas out
        PLAIN.replace("\n", ",,\n"),
        PLAIN.replace("P2,", 'P2,"NA"'),
        PLAIN.replace("P2,", "P2,nan"),
        PLAIN.replace("a b.png", '"a b.png" ').replace('" ', '"'),
        PLAIN.replace("P1", "P1\u00a0\u200b"),
        PLAIN.rstrip("\n"),
    ],
)
@pytest.mark.parametrize("name", ["t.csv", "T.CSV", "t.tsv", "t.txt"])
def test_dialects(tmp_path: Path, text: str, name: str):
    assert read(tmp_path / name, text) == ROWS


def test_packed_and_parquet(tmp_path: Path):
    assert read(tmp_path / "t.csv.gz", gzip.compress(PLAIN.encode())) == ROWS
    frame = pl.DataFrame(
        {"file": ["a b.png", "c.png"], "patient": ["P1", " P2"], "label": [1.0, None], "x": [[1], [2]]}
    )
    frame.write_parquet(tmp_path / "T.PARQUET")
    assert as_text(read_table(tmp_path / "T.PARQUET")).frame.rows() == ROWS


@pytest.mark.parametrize("cells", [[[1], [2]], [{"a": 1}, {"a": 2}], [b"x", b"y"]])
def test_columns_of_no_plain_values_are_left_out_and_refused_where_one_is_needed(tmp_path: Path, cells: list):
    pl.DataFrame({"ID": cells, "x": [1, 2]}).write_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert (table.frame.columns, table.nested) == (["x"], ("ID",))
    with pytest.raises(InputError, match=r"t\.parquet: the column\(s\) id hold lists, structures or bytes"):
        read_table(tmp_path / "t.parquet", required=["id"])
    with pytest.raises(InputError, match=r"the column\(s\) score hold"):
        read_table(tmp_path / "t.parquet", known=["score"], named=["score=ID"])
    with pytest.raises(InputError, match=r"t\.parquet: has a header but no rows"):
        read_table(_parquet(tmp_path, pl.DataFrame({"ID": cells})))


def _parquet(folder: Path, frame: pl.DataFrame) -> Path:
    frame.write_parquet(folder / "t.parquet")
    return folder / "t.parquet"


def test_types_of_parquet_become_text_as_a_csv_has_it(tmp_path: Path):
    zoned = pl.Series([dt.datetime(2020, 1, 1, 8)]).dt.replace_time_zone("Europe/Berlin")
    pl.DataFrame(
        {"id": [12.0], "score": [0.25], "flag": [True], "day": [dt.date(2020, 1, 2)], "at": zoned}
    ).write_parquet(tmp_path / "t.parquet")
    row = as_text(read_table(tmp_path / "t.parquet")).frame.row(0)
    assert row == ("12", "0.25", "true", "2020-01-02", "2020-01-01T07:00:00.000000+00:00")


def test_quoted_cells_may_hold_separators_quotes_and_lines(tmp_path: Path):
    text = 'id;text\n1;"a; b ""c"""\n2;"two\nlines"\n3;6" tube\n'
    path = tmp_path / "t.csv"
    path.write_text(text)
    table = read_table(path)
    assert table.frame["text"].to_list() == ['a; b "c"', "two\nlines", '6" tube']
    assert (table.rows, table.decimal_comma) == ([2, 3, 4], True)


def test_a_last_cell_of_two_lines_may_end_the_file(tmp_path: Path):
    assert read(tmp_path / "t.csv", 'id,a,text\n1,2,"two\nlines"') == [("1", "2", "two\nlines")]


def test_row_numbers_count_blank_rows(tmp_path: Path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n,\n\n3,4\n")
    assert read_table(tmp_path / "t.csv").rows == [2, 5]


def test_columns_are_found_in_any_case_unless_two_fit(tmp_path: Path):
    (tmp_path / "t.csv").write_text("Subject_ID, LABEL,Score,score\n1,0,.5,.5\n")
    frame = read_table(tmp_path / "t.csv", required=["subject_id"], known=["label", "SCORE"]).frame
    assert frame.columns == ["subject_id", "label", "Score", "score"]


def test_a_missing_column_names_those_that_there_are(tmp_path: Path):
    (tmp_path / "t.csv").write_text("file,patients\na,b\n")
    with pytest.raises(
        InputError, match=r"lacks the column\(s\) patient. There are: file, patients. Did you mean patients"
    ):
        read_table(tmp_path / "t.csv", required=["patient"])


@pytest.mark.parametrize(
    "row", ["CANARY_1.png,Smith,1", "scans/CANARY,Smith,x", "CANARY1234,Smith,yes", "CANARY@x,b,c"]
)
def test_a_row_of_cells_in_place_of_the_header_is_not_shown(tmp_path: Path, row: str):
    (tmp_path / "t.csv").write_text(f"{row}\n{row}x\n")
    with pytest.raises(InputError, match="does not look like a header") as caught:
        read_table(tmp_path / "t.csv", required=["patient"])
    assert "CANARY" not in str(caught.value)
    assert "Smith" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.xlsx", b"PK\x03\x04", "is a spreadsheet.*CSV in UTF-8"),
        ("t.csv", b"PK\x03\x04", "is a spreadsheet"),
        ("t.xls", b"\xd0\xcf\x11\xe0", "is a spreadsheet"),
        ("t.docx", b"x", "must end in .csv, .tsv or .parquet"),
        ("t.csv", PLAIN.encode("utf-16"), "in UTF-16"),
        ("t.csv", PLAIN.encode("utf-16-le"), "in UTF-16"),
        ("t.csv", PLAIN.replace("P2", "M\xfcller").encode("latin-1"), "line 3 is not in UTF-8.*Latin-1"),
        ("t.csv", PLAIN.replace("P2", "P\x00").encode(), "line 3 holds a NUL"),
        ("t.csv", PLAIN.replace("P2", "P2,x,y").encode(), "row 3 has 5 cells where the header has 3.*a comma"),
        ("t.csv", b"file,patient,label\na.png,P1,1\nb.png,P", "the last row, 3, is cut short"),
        ("t.csv", b'a,b\n1,2\n3,"4\n5,6\n', "row 3 cannot be read: a double quote"),
        ("t.csv", b"a,a\n1,2\n", "no two alike"),
        ("t.csv", 2 * PLAIN.encode(), "row 4 repeats the header"),
        ("t.csv", b"", "is empty"),
        ("t.csv", b"a,b\n", "has a header but no rows"),
        ("t.csv", b"a,b\n,\nNA,\n", "has a header but no rows"),
        ("t.csv.gz", gzip.compress(PLAIN.encode(), mtime=0)[:30], "damaged or cut short"),
        ("t.csv", b"PAR1", "content is not what its name says"),
        ("t.parquet", b"a,b\n1,2\n", "content is not what its name says"),
        ("t.parquet", b"PAR1 x", "damaged or cut short"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, content: bytes, words: str):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read_table(tmp_path / name)
    assert "P1" not in str(caught.value)


def test_only_a_regular_file_is_read(tmp_path: Path):
    for path in (tmp_path / "absent.csv", tmp_path, Path("/dev/zero")):
        with pytest.raises(InputError, match="no such table"):
            read_table(path)
