"""A user's table becomes rows of text; what cannot be read is named by file, row and column."""

from pathlib import Path

import polars as pl
import pytest

from semeia.errors import InputError
from semeia.readers.rows import Faults, Row, folder_given, odd_labels, read_rows


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


@pytest.mark.parametrize("number", ["-nan", "inf", "1,234", "1_000", "1.234,5", "\u0661"])
def test_what_is_no_finite_number_is_refused(tmp_path: Path, number: str):
    (tmp_path / "t.tsv").write_text(f"n\tm\n{number}\t1\n")
    with pytest.raises(InputError, match="row 2, column n: is not a number"):
        read_rows(tmp_path / "t.tsv", required=["n"])[0].number_or_none("n")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.csv", None, "no such table"),
        ("t.xlsx", b"x", "is a spreadsheet; a table must end in .csv, .tsv or .parquet"),
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


@pytest.mark.parametrize(
    ("text", "value"),
    [("n;m\n1,234;2\n", 1.234), ("n\tm\n1,5\t2\n", 1.5), ('n,m\n"-0,25",2\n', -0.25), ("n,m\n1e-3,2\n", 1e-3)],
)
def test_a_decimal_comma_is_read_where_it_cannot_be_one_of_thousands(tmp_path: Path, text: str, value: float):
    (tmp_path / "t.csv").write_text(text)
    assert read_rows(tmp_path / "t.csv", required=["n"])[0].number_or_none("n") == value


@pytest.mark.parametrize(
    ("cell", "label"),
    [
        ("1", 1),
        ("0.0", 0),
        ("3", 3),
        ("True", 1),
        ("FALSE", 0),
        ("yes", 1),
        ("N", 0),
        ("Positive", 1),
        (None, None),
    ],
)
def test_labels(cell: str | None, label: float | None):
    assert Row("t.csv", 2, {"y": cell}).label_or_none("y") == label


@pytest.mark.parametrize("cell", ["malignant", "-1", "0.5", "2.5", "oui"])
def test_what_is_no_label_says_what_is(cell: str):
    with pytest.raises(InputError, match=r"must be 0 or 1.*whole grade from 0; empty where it is not known") as caught:
        Row("t.csv", 2, {"y": cell}).label_or_none("y")
    assert cell not in str(caught.value).replace("0 or 1", "")


def test_an_id_that_a_spreadsheet_rounded_is_refused():
    for rounded in ("1.23457E+11", "1.2345678901234568e17", "1E+05", "12e+4"):
        with pytest.raises(InputError, match="row 2, column id: is an id that a spreadsheet has rounded"):
            Row("t.csv", 2, {"id": rounded}).identity("id")
    assert Row("t.csv", 2, {"id": "1e5"}).identity("id") == "1e5"


def _fault(number: int) -> InputError:
    return Row("t.csv", number, {}).error("x", "is wrong.")


def test_faults_are_collected_up_to_ten_and_may_be_left_out():
    faults = Faults(skip=1)
    assert faults.keep([1, 2, 3], lambda number: (_ for _ in ()).throw(_fault(2)) if number == 2 else number) == [1, 3]
    assert faults.settle() == 1
    faults.add(_fault(7))
    with pytest.raises(InputError, match=r"^t.csv, 2 rows have a fault: \(1\) row 2, column x: is wrong\. \(2\) row 7"):
        faults.settle()
    assert not faults.full
    for number in range(8, 20):
        faults.add(_fault(number))
    assert faults.full
    with pytest.raises(InputError, match=r"14 or more rows .* \.\.\. and 4 more\. .*--skip-bad-rows 14") as caught:
        faults.settle(whole=False)
    assert str(caught.value).count("is wrong") == 10
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="skip_bad_rows is -1"):
        Faults(skip=-1)


def test_one_fault_is_told_as_it_is():
    faults = Faults()
    faults.add(_fault(2))
    with pytest.raises(InputError, match=r"^t.csv, row 2, column x: is wrong\. Mend it, or .*--skip-bad-rows 1\.$"):
        faults.settle()


def test_a_folder_must_be_there(tmp_path: Path):
    assert folder_given(str(tmp_path)) == tmp_path
    with pytest.raises(InputError, match="absent: no such folder"):
        folder_given(tmp_path / "absent")


def test_two_labels_other_than_0_and_1_are_said():
    assert odd_labels("death", {2.0, 1.0}) == (
        "the labels of death are 1 and 2; models of two classes take 0 and 1, so write these"
    )
    assert odd_labels("grade", {9.0, 0.0, 1.0}) == (
        "the labels of grade are 0, 1 and 9, with gaps; if one is a code for what is not known, leave such cells empty"
    )
    assert not odd_labels("days", {float(k * k) for k in range(30)})
    assert not any(odd_labels("grade", labels) for labels in ({0.0, 1.0}, {1.0}, {1.0, 2.0, 3.0}))
