"""What a user types becomes the values of a command, or one line that says what is wrong with it."""

from pathlib import Path

import pytest

from semeia.command_line import parse
from semeia.errors import InputError


@pytest.mark.parametrize("typed", [["--archive", "there"], ["--archive=there"], ["there"]])
def test_what_is_given_by_its_place_may_be_named(typed: list[str]):
    values = parse("study own", ["--outcome", "label", *typed])
    assert values["archive"] == Path("there")
    with pytest.raises(InputError, match="give ARCHIVE"):
        parse("study own", ["--outcome", "label", "--archive"])


def test_a_file_whose_name_begins_with_a_dash_is_told_from_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("-11.csv").touch()
    with pytest.raises(InputError, match=r"The file -11\.csv begins with a dash: write \./-11\.csv\.$"):
        parse("evaluate", ["-11.csv", "--out", "results"])
    assert parse("evaluate", ["./-11.csv", "--out", "results"])["predictions"] == Path("-11.csv")
    with pytest.raises(InputError, match=r"options\.$"):
        parse("evaluate", ["-12.csv", "--out", "results"])


def test_what_must_be_named_is_asked_for_by_its_name():
    with pytest.raises(InputError, match=r"unrecognized arguments: there/x\. Did you mean '--archive there/x'\?"):
        parse("study nodule", ["there/x", "--out", "run"])
    with pytest.raises(InputError, match=r"Did you mean '--outcome'\?"):
        parse("study own", ["there", "--outcone", "label"])
