"""What a command makes, prints and reads: private files, printable words, files with bounds."""

import os
import shlex
import stat
from pathlib import Path

import pytest

from semeia import cli
from semeia.errors import InputError


def run(*words: object) -> int:
    return cli.main([str(word) for word in words])


@pytest.mark.parametrize("given", [Path, str | Path])
def test_a_path_after_next_can_be_pasted_into_a_shell(given: object, calls, capsys: pytest.CaptureFixture[str]):
    def work(out: Path) -> Path:
        return Path(out) / "report.html"

    work.__annotations__["out"] = given

    calls(work, out="folder", then="open {result}; semeia audit {out}")

    assert run("work", "--out", "my runs/it's") == 0
    typed = capsys.readouterr().err.removeprefix("Next: open ").replace("; semeia audit ", " ")
    assert shlex.split(typed) == ["my runs/it's/report.html", "my runs/it's"]


def test_what_a_command_makes_is_its_users_alone(calls, tmp_path: Path):
    def work(out: Path) -> str:
        (out / "inner").mkdir(parents=True)
        (out / "inner" / "file").write_text("x")
        return "done"

    calls(work, out="folder")
    before = os.umask(0o022)
    try:
        assert run("work", "--out", tmp_path / "made") == 0
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "made").rglob("*")} == {0o700, 0o600}


def test_control_characters_never_reach_the_terminal(calls, capsys: pytest.CaptureFixture[str]):
    calls(lambda: "\x1b]0;owned\x07done", then="open \x1b[31m")
    assert run("work") == 0
    said = capsys.readouterr()
    assert said.out == "\\x1b]0;owned\\x07done\n"
    assert said.err == "Next: open \\x1b[31m\n"

    def refused() -> str:
        raise InputError("file \x9b31m.csv: wrong")

    calls(refused)
    assert run("work") == 2
    assert capsys.readouterr().err == "semeia: file \\x9b31m.csv: wrong\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "is a device or a pipe"),
        ("a: &a [1]\ntimes: *a\n", "settings.yaml, line 2: aliases"),
        ("[" * 1000, "nested more than 100 levels"),
        ("times: [", "is not YAML"),
    ],
)
def test_settings_in_a_file_are_read_with_bounds(
    calls, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, words: str
):
    def work(times: int = 1) -> str:
        return str(times)

    calls(work)
    path = tmp_path / "settings.yaml"
    if content is None:
        os.mkfifo(path)
    else:
        path.write_text(content)
    assert run("work", "--config", path) == 2
    assert words in capsys.readouterr().err
    assert run("work", f"--config={path}") == 2
