"""Files are written whole or not at all, and a full disk is one line."""

import errno
import json
import os
import stat
from pathlib import Path

import polars as pl
import pytest

from semeia.archive import atomic
from semeia.errors import InputError


def test_each_kind_of_content_comes_back(tmp_path: Path):
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"]})
    atomic.write_text(tmp_path / "a" / "t.txt", "ä")
    atomic.write_json(tmp_path / "t.json", {"ä": [1, None]})
    atomic.write_parquet(tmp_path / "t.parquet", frame)
    assert (tmp_path / "a" / "t.txt").read_text() == "ä"
    assert json.loads((tmp_path / "t.json").read_text()) == {"ä": [1, None]}
    assert pl.read_parquet(tmp_path / "t.parquet").equals(frame)
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_no_other(tmp_path: Path, stop: type[BaseException]):
    path = tmp_path / "file"
    atomic.write_text(path, "old")
    with pytest.raises(stop), atomic.replacing(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise stop
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"


def test_a_full_disk_names_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"file: cannot be written: No space left on device"):
        atomic.write_text(tmp_path / "file", "new")
    assert not list(tmp_path.iterdir())


def test_a_path_that_cannot_be_is_named(tmp_path: Path):
    (tmp_path / "plain").write_text("")
    with pytest.raises(InputError, match="plain/below: cannot be written"):
        atomic.write_text(tmp_path / "plain" / "below", "new")


def test_files_and_folders_are_their_owners_alone(tmp_path: Path):
    atomic.write_text(tmp_path / "a" / "b" / "t.txt", "x")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"a": 0o700, "b": 0o700, "t.txt": 0o600}


def test_what_a_killed_process_left_goes_when_the_file_is_written_again(tmp_path: Path):
    (tmp_path / ".t.txt.0123abcd.partial").write_text("half")
    (tmp_path / ".other.0123abcd.partial").write_text("half")
    with atomic.replacing(tmp_path / "t.txt") as temporary:
        temporary.write_text("being written")
        atomic.write_text(tmp_path / "t.txt", "new")  # by another process, say
        assert temporary.read_text() == "being written"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.0123abcd.partial", "t.txt"]
    atomic.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["t.txt"]


def test_a_cell_that_a_spreadsheet_would_run_is_marked_and_comes_back(tmp_path: Path):
    cells = ["=1+1", "@SUM(A1)", "+x", "-x", "\t=1", "-1.5", "+1", "-", "plain", "'quoted", None]
    frame = pl.DataFrame({"name": cells, "value": range(len(cells))})
    atomic.write_csv(tmp_path / "t.csv", frame)
    written = pl.read_csv(tmp_path / "t.csv")
    assert written["name"].to_list() == ["'=1+1", "'@SUM(A1)", "'+x", "'-x", "'\t=1", *cells[5:]]
    assert atomic.plain_cells(written).equals(frame)


def test_figures_with_a_sign_stay_figures(tmp_path: Path):
    cells = ["+0.022", "+1e-3", "-.5", "+3 %", "+1,5", "-0.030 (-0.058 to -0.005)", "+0.02 [0.01; 0.03]"]
    atomic.write_csv(tmp_path / "t.csv", pl.DataFrame({"figure": cells, "more": ["+1+1", "-2 (=3)", *cells[:5]]}))
    written = pl.read_csv(tmp_path / "t.csv", infer_schema=False)
    assert written["figure"].to_list() == cells
    assert written["more"].to_list()[:2] == ["'+1+1", "'-2 (=3)"]


def test_json_has_no_nan(tmp_path: Path):
    with pytest.raises(ValueError, match="JSON"):
        atomic.write_json(tmp_path / "t.json", {"a": float("nan")})
