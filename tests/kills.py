"""A process killed at any of its writes, in process: from the chosen moment on nothing reaches the disk any more."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest


class Killed(BaseException):
    """The end of a process that no code sees coming."""


class Killer:
    """Counts the moments around flushes and renames, and ends the process at the one that is asked for."""

    def __init__(self, moment: int) -> None:
        self.left = moment
        self.dead = False

    def reached(self) -> None:
        self.left -= 1
        if self.left < 0 and not self.dead:
            self.dead = True
            raise Killed

    def around(self, real: Callable) -> Callable:
        """Kill before or after `real`; a dead process does nothing, and cleans nothing up."""

        def call(*arguments: object, **options: object) -> object:
            self.reached()
            result = None if self.dead else real(*arguments, **options)
            self.reached()
            return result

        return call

    def silenced(self, real: Callable) -> Callable:
        return lambda *arguments, **options: None if self.dead else real(*arguments, **options)


def survives_kills(
    command: Callable[[Path], object],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    at: tuple[str, ...] = ("replace", "fsync"),
) -> int:
    """Kill `command(folder / n)` before and after each of its writes and give it again; returns how many there were.

    Every folder must end with the files of a command that ran through, and with no other.
    """
    command(folder / "whole")
    expected = content(folder / "whole")
    for moment in range(1000):
        killer, into = Killer(moment), folder / str(moment)
        with monkeypatch.context() as patch:
            for name in at:
                patch.setattr(os, name, killer.around(getattr(os, name)))
            for name in ("unlink", "rmdir"):
                patch.setattr(os, name, killer.silenced(getattr(os, name)))
            try:
                command(into)
            except Killed:
                pass
            else:
                assert not killer.dead, "a kill was taken for an error and went on"
                return moment
        command(into)
        assert content(into) == expected, f"killed at moment {moment}"
    raise AssertionError("a command with 1000 writes")


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder; the lines that tell the time are left out of archive.json."""
    return {
        str(path.relative_to(folder)): b"\n".join(
            line for line in path.read_bytes().split(b"\n") if b'"created"' not in line or path.suffix != ".json"
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
