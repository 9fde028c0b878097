"""Lines now and then and never a flood of them, a bar on a terminal, and nothing at all that nobody asked for."""

import logging
import re
import subprocess
import sys
import threading
import time

import pytest

from semeia.progress import LOG, Lines, doing, each, every_minute, say, shown, silent, terminal, warn, words


@pytest.fixture
def lines():
    with shown():
        yield


@pytest.fixture
def bar(monkeypatch: pytest.MonkeyPatch, lines: None):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)


@pytest.mark.usefixtures("lines")
def test_a_line_at_the_end_without_a_terminal(capsys: pytest.CaptureFixture[str]):
    with terminal("pretraining", 50, per_step=8) as report:
        for done in range(41, 51):
            report(done, {"prediction": 0.25})
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert re.fullmatch(r"semeia: pretraining: step 50 of 50, \d+ units/s, 0 s left, prediction 0\.250", said[0])


@pytest.mark.usefixtures("lines")
def test_the_time_left_knows_nothing_of_what_came_before_the_first_step(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """An archive is read for 100 s, the first step takes 20 s, the others 1 s each; a resumed run begins at 40."""
    now = 0.0
    monkeypatch.setattr("semeia.progress.time.monotonic", lambda: now)
    with terminal("x", 100, per_step=2) as report:
        now = 120.0
        for done in range(41, 66):
            report(done, {})
            now += 1
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "semeia: x: step 42 of 100, 2 units/s, 58 s left"
    assert said[1] == "semeia: x: step 62 of 100, 2 units/s, 38 s left"
    assert len(said) == 2


@pytest.mark.usefixtures("lines")
def test_what_takes_seconds_each_is_counted_by_the_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    now = 0.0
    monkeypatch.setattr("semeia.progress.time.monotonic", lambda: now)
    with terminal("cells", 10, per_step=1) as report:
        for done in (1, 2):
            now += 24.0
            report(done, {})
    assert capsys.readouterr().err == "semeia: cells: step 2 of 10, 2.5 units/min, 192 s left\n"


def test_of_a_single_step_no_time_is_told(capsys: pytest.CaptureFixture[str], lines: None):
    with terminal("x", 1, per_step=2) as report:
        report(1, {"loss": 1.0})
    assert capsys.readouterr().err == "semeia: x: step 1 of 1, loss 1.000\n"


@pytest.mark.usefixtures("bar")
def test_a_bar_on_a_terminal(capsys: pytest.CaptureFixture[str]):
    with terminal("pretraining", 3, per_step=8) as report:
        report(1, {})
        report(3, {"prediction": 0.5})
    silent(1, {})
    assert list(each([1, 2, 3], "Counting")) == [1, 2, 3]
    with words() as report:
        report("iteration 1")
    assert not capsys.readouterr().out


def test_words_without_a_terminal_are_said_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, lines: None
):
    now = 0.0
    monkeypatch.setattr("semeia.progress.time.monotonic", lambda: now)
    with words() as report:
        for minute in range(4):
            now = 60.0 * minute
            report(f"minute {minute}")
            report("a moment later")
    assert capsys.readouterr().err.splitlines() == [f"semeia: minute {minute}" for minute in (1, 2, 3)]


@pytest.mark.usefixtures("lines")
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
    assert capsys.readouterr().err.splitlines()[:2] == ["semeia: cells: 1 of 9", "semeia: cells: 2 of 9"]
    with doing("reading", seconds=60):
        pass
    assert not capsys.readouterr().err


@pytest.mark.usefixtures("bar")
def test_no_lines_beside_a_bar():
    with every_minute(lambda: pytest.fail("a line was asked for"), seconds=0.001):
        time.sleep(0.02)


def test_a_warning_says_that_it_is_one_and_steers_no_terminal(capsys: pytest.CaptureFixture[str], lines: None):
    say("3 images are read")
    warn("3 images are \x1bnot read %s")
    assert capsys.readouterr().err == "semeia: 3 images are read\nsemeia: warning: 3 images are \\x1bnot read %s\n"


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]):
    with shown(quiet=True):
        warn("3 images are not read")
        with terminal("x", 1, per_step=1) as report:
            report(1, {})
        with every_minute(lambda: pytest.fail("a line was asked for"), seconds=0.001):
            time.sleep(0.02)
    assert not capsys.readouterr().err


def test_afterwards_the_logger_is_as_before():
    before = LOG.level, list(LOG.handlers)
    with shown():
        assert any(isinstance(handler, Lines) for handler in LOG.handlers)
    assert (LOG.level, LOG.handlers) == before


PYTHON = """
import logging, sys
from semeia.progress import terminal, warn
sys.stderr.isatty = lambda: True
if sys.argv[1:]:
    logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
warn("3 images are not read")
with terminal("x", 1, per_step=1) as report:
    report(1, {})
"""


def test_from_python_nothing_is_said_unless_logging_is_set_up():
    """In a process of its own: pytest sets up logging, and a warning without a handler is printed by Python itself."""
    silent = subprocess.run([sys.executable, "-c", PYTHON], capture_output=True, text=True, check=True)
    logged = subprocess.run([sys.executable, "-c", PYTHON, "log"], capture_output=True, text=True, check=True)
    assert (silent.stdout, silent.stderr) == ("", "")
    assert logged.stderr == "semeia WARNING 3 images are not read\nsemeia INFO x: step 1 of 1\n"


def test_lines_reach_the_users_own_handlers(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "semeia"), terminal("x", 1, per_step=1) as report:
        report(1, {})
    assert caplog.messages == ["x: step 1 of 1"]
