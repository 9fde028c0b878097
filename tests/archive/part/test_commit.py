"""A draft becomes a part or leaves the folder as it was, whatever stops it."""

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from archive_folder import fill, listing, small_archive
from semeia.archive import open_archive, writing
from semeia.archive.part import commit
from semeia.errors import InputError


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("there", [True, False])
def test_nothing_is_left_of_a_draft_that_was_stopped(tmp_path: Path, stop: type[BaseException], there: bool):
    if there:
        small_archive(tmp_path / "deep" / "a", 2)
    before = listing(tmp_path)
    with pytest.raises(stop), writing(tmp_path / "deep" / "a", source="test") as draft:  # noqa: PT012
        fill(draft, 3, first=5)
        raise stop
    assert listing(tmp_path) == before


@pytest.mark.parametrize("fails_at", range(1, 16, 2))
@pytest.mark.parametrize("there", [True, False])
def test_nothing_is_left_when_the_disk_is_full_at_any_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int, there: bool
):
    if there:
        small_archive(tmp_path / "a", 2)
    before = listing(tmp_path)
    real, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="cannot be written: No space left on device"):  # noqa: PT012
        for attempt in range(9):  # a new archive takes one file, its key, more than an old one
            small_archive(tmp_path / "a", 3, first=10 * attempt + 10)
            before = listing(tmp_path)
    assert listing(tmp_path) == before


def test_an_interrupt_after_the_commit_does_not_undo_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = commit.write_json

    def interrupted(path: Path, content: dict) -> None:
        real(path, content)
        raise KeyboardInterrupt

    monkeypatch.setattr(commit, "write_json", interrupted)
    with pytest.raises(KeyboardInterrupt):
        small_archive(tmp_path / "a", 2)
    assert open_archive(tmp_path / "a").verify() == []


KILLED = """
import os, sys
sys.path[:0] = sys.argv[2:]
from archive_folder import fill
from semeia.archive import writing
from semeia.archive.part import commit
if sys.argv[1].endswith("late"):
    commit.write_json = lambda *_: os._exit(9)
with writing(sys.argv[1], source="test") as draft:
    fill(draft, 2)
    if not sys.argv[1].endswith("late"):
        os._exit(9)
"""


@pytest.mark.parametrize("name", ["early", "late"])
def test_what_a_killed_process_left_does_not_hinder_the_next(tmp_path: Path, name: str):
    tests = str(Path(__file__).parents[2])
    run = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / name), tests], check=False)
    assert run.returncode == 9
    assert list(tmp_path.rglob("*.bin*"))
    with pytest.raises(InputError, match="not an archive"):
        open_archive(tmp_path / name)
    small_archive(tmp_path / name, 3)
    assert open_archive(tmp_path / name).verify() == []
    assert not list(tmp_path.rglob("*.partial"))


def test_two_writers_at_once_are_refused(tmp_path: Path):
    pytest.importorskip("fcntl")
    with writing(tmp_path / "a", source="one") as draft:
        fill(draft, 2)
        with pytest.raises(InputError, match="another process is writing"):
            small_archive(tmp_path / "a", 2)
    assert open_archive(tmp_path / "a").table("units").height == 2


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("")
    with pytest.raises(InputError, match="exists and is not an archive"):
        small_archive(tmp_path)
    with pytest.raises(InputError, match="exists and is not an archive"):
        small_archive(tmp_path / "thesis.txt")


def test_an_empty_folder_stays_when_nothing_comes_of_it(tmp_path: Path):
    (tmp_path / "a").mkdir()
    with pytest.raises(InputError, match="nothing to ingest"), writing(tmp_path / "a", source="test"):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "plain").write_text("")
    with pytest.raises(InputError, match=r"plain/a: cannot be created"):
        small_archive(tmp_path / "plain" / "a")


def test_the_key_is_secret_and_kept_or_supplied(tmp_path: Path):
    small_archive(tmp_path / "a", 1)
    assert stat.S_IMODE((tmp_path / "a.key").stat().st_mode) == 0o600
    (tmp_path / "key").write_text("ab" * 32)
    (tmp_path / "key").chmod(0o600)
    with writing(tmp_path / "b", source="test", key=tmp_path / "key") as draft:
        fill(draft, 1)
    assert not (tmp_path / "b.key").exists()
    assert not list((tmp_path / "b").rglob("*.key"))
    with pytest.raises(InputError, match="kept elsewhere"):
        small_archive(tmp_path / "b", 1, first=3)
    with (
        pytest.raises(InputError, match="not the key of"),
        writing(tmp_path / "a", source="t", key=tmp_path / "key"),
    ):
        pass
    with writing(tmp_path / "b", source="test", key=tmp_path / "key") as draft:
        assert draft.subject("CANARY-0", site="north")[0] == 1
        fill(draft, 1, first=3)


def test_original_ids_are_nowhere(tmp_path: Path):
    small_archive(tmp_path / "a")
    assert all(b"CANARY" not in content for content in listing(tmp_path).values())
    assert not any("CANARY" in name for name in listing(tmp_path))
    assert json.loads((tmp_path / "a" / "archive.json").read_text())["parts"][0]["notes"] == {}
