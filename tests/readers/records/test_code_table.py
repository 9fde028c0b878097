"""A table of codes says mode, name, unit and fill, each where it likes; what it cannot mean is named by its row."""

from pathlib import Path

import pytest

from semeia.errors import InputError
from semeia.readers.records.code_facts import read_codes


def write(folder: Path, text: str) -> Path:
    (folder / "codes.csv").write_text(text)
    return folder / "codes.csv"


def test_what_is_said_comes_back_and_the_first_row_of_a_code_counts(tmp_path: Path):
    table = write(tmp_path, "code,description,fill,further\nA,alpha,1.5,x\nB,,,\nA,other,2,\n,nobody,,\n")
    assert read_codes(table).rows() == [("A", None, "alpha", None, 1.5), ("B", None, None, None, None)]
    assert read_codes(table).columns == ["code", "mode", "name", "unit", "fill"]


def test_a_name_goes_before_a_description(tmp_path: Path):
    table = write(tmp_path, "code,name,description\nA,ours,theirs\nB,,theirs\n")
    assert read_codes(table)["name"].to_list() == ["ours", "theirs"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name\nA\n", r"codes.csv: lacks the column\(s\) code"),
        ("code,mode\nA,illness\n", "codes.csv, row 2, column mode: must be one of condition,"),
        ("code,fill\nA,much\n", "codes.csv, row 2, column fill: is not a number"),
    ],
)
def test_what_it_cannot_mean_is_named(tmp_path: Path, text: str, words: str):
    with pytest.raises(InputError, match=words):
        read_codes(write(tmp_path, text))
