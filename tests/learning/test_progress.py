"""Without a terminal: a line at the end with speed and terms, words now and then, and never a flood of them."""

import re
import sys
import threading
import time

import pytest

from semeia.learning.progress import doing, every_minute, say, silent, terminal, words


def test_a_line_at_the_end_without_a_terminal(capsys: pytest.CaptureFixture[str]):
    with terminal("pretraining", 50, per_step=8) as report:
        for done in range(41, 51):
            report(done, {"prediction": 0.25})
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert re.fullmatch(r"pretraining: step 50 of 50, \d+ units/s, 0 s left, prediction 0\.250", lines[0])


def test_the_speed_of_a_resumed_run_counts_its_own_steps(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    clock = iter([0.0, *(float(second) for second in range(1, 20))])
    monkeypatch.setattr("semeia.learning.progress.time.monotonic", lambda: next(clock))
    with terminal("x", 50, per_step=1) as report:
        for done in range(41, 51):
            report(done, {})
    assert "step 50 of 50, 1 units/s" in capsys.readouterr().err


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with terminal("pretraining", 3, per_step=8) as report:
        report(1, {})
        report(3, {"prediction": 0.5})
    silent(1, {})


def test_words_without_a_terminal_are_said_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    now = 0.0
    monkeypatch.setattr("semeia.learning.progress.time.monotonic", lambda: now)
    with words() as report:
        for minute in range(4):
            now = 60.0 * minute
            report(f"minute {minute}")
            report("a moment later")
    assert capsys.readouterr().err.splitlines() == ["minute 1", "minute 2", "minute 3"]


def test_words_on_a_terminal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with words() as report:
        report("iteration 1")


def test_a_line_now_and_then_while_something_runs(capsys: pytest.CaptureFixture[str]):
    told = threading.Event()
    count = 0

    def so_far() -> str:
        nonlocal count
        count += 1
        if count == 2:
            told.set()
        return f"cells: {count} of 9"

    with every_minute(so_far, seconds=0.01):
        assert told.wait(10)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["cells: 1 of 9", "cells: 2 of 9"]
    with doing("reading", seconds=60):
        pass
    assert not capsys.readouterr().err


def test_no_lines_beside_a_bar(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with every_minute(lambda: pytest.fail("a line was asked for"), seconds=0.001):
        time.sleep(0.02)


def test_what_must_be_known_is_said(capsys: pytest.CaptureFixture[str]):
    say("3 images are not read")
    assert capsys.readouterr().err == "semeia: 3 images are not read\n"
