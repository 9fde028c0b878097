"""How far work is, and what must be known beside its result: lines of the logger "semeia", or a bar on a terminal.

From Python nothing is printed unless logging is set up. The command line writes the lines to standard error.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from semeia.errors import printable

Item = TypeVar("Item")
Report = Callable[[int, dict[str, float]], None]

LOG = logging.getLogger("semeia")
LOG.addHandler(logging.NullHandler())  # without one Python itself prints warnings
BETWEEN = 20  # seconds between two lines


class Lines(logging.Handler):
    """Writes each record as a line on what is standard error at that time, which a bar may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        level = "warning: " if record.levelno >= logging.WARNING else ""
        print(f"semeia: {level}{printable(record.getMessage())}", file=sys.stderr, flush=True)


@contextmanager
def shown(*, quiet: bool = False) -> Iterator[None]:
    """While the block runs, show lines and bars on standard error; nothing where `quiet`."""
    handler, before = logging.NullHandler() if quiet else Lines(), LOG.level
    LOG.addHandler(handler)
    LOG.setLevel(logging.ERROR if quiet else logging.INFO)
    try:
        yield
    finally:
        LOG.removeHandler(handler)
        LOG.setLevel(before)


def bars() -> bool:
    """Whether a bar is shown in place of lines: on a terminal, by the command line."""
    return any(isinstance(handler, Lines) for handler in LOG.handlers) and sys.stderr.isatty()


def silent(done: int, terms: dict[str, float]) -> None:
    """For worker processes: their parent shows the cells."""


def say(words: str) -> None:
    """A line on what is being done."""
    LOG.info("%s", words)


def warn(words: str) -> None:
    """A line on what may make a result other than expected: what was left out, what differs."""
    LOG.warning("%s", words)


@contextmanager
def every_minute(words: Callable[[], str], *, seconds: float | int = 60) -> Iterator[None]:
    """While the block runs, a line now and then, where no bar is shown.

    Args:
        words: asked each time, from another thread.
        seconds: between two lines.
    """
    if bars() or not LOG.isEnabledFor(logging.INFO):
        yield
        return
    ended = threading.Event()

    def speak() -> None:
        while not ended.wait(seconds):
            say(words())

    thread = threading.Thread(target=speak, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def doing(label: str, *, seconds: float | int = 60) -> Iterator[None]:
    """`every_minute` for work that cannot tell how far it is."""
    began = time.monotonic()
    with every_minute(lambda: f"{label}: for {(time.monotonic() - began) / 60:.0f} min so far", seconds=seconds):
        yield


def each(items: Sequence[Item], label: str) -> Iterator[Item]:
    """Go through `items`, with a bar where bars are shown."""
    if not bars():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, label, console=Console(stderr=True), transient=True)


@contextmanager
def terminal(label: str, total: int, *, per_step: int, shown: bool = True) -> Iterator[Report]:
    """Show steps done, units per second, time left and the latest terms: a bar, or a line now and then.

    The clock starts when the first step has ended: what comes before it, and what a first step alone pays for, tells
    nothing of the others.

    Args:
        label: what is running.
        total: number of steps.
        per_step: units in a step.
        shown: False in a worker process, whose parent shows the cells.
    """
    if not shown:
        yield silent
        return
    began: list[tuple[int, float]] = []

    def rate(done: int) -> float:
        """Steps a second since the first one ended; a resumed run does not begin at 0."""
        now = time.monotonic()
        began[:] = began or [(done, now)]
        first, start = began[0]
        return (done - first) / max(now - start, 1e-9)

    if not bars():
        yield _lines(label, total, per_step, rate)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(
        *columns, TimeRemainingColumn(), TextColumn("{task.fields[note]}"), console=Console(stderr=True)
    ) as bar:
        task = bar.add_task(label, total=total, note="")

        def report(done: int, terms: dict[str, float]) -> None:
            bar.update(task, completed=done, note=f"{_speed(rate(done) * per_step)}  {_words(terms)}")

        yield report


def _lines(label: str, total: int, per_step: int, rate: Callable[[int], float]) -> Report:
    last = time.monotonic()

    def report(done: int, terms: dict[str, float]) -> None:
        nonlocal last
        speed = rate(done)
        if (time.monotonic() - last < BETWEEN or not speed) and done < total:
            return
        left = f"{(total - done) / speed:.0f} s left" if speed else ""
        known = filter(None, (_speed(speed * per_step), left, _words(terms)))
        say(", ".join((f"{label}: step {done} of {total}", *known)))
        last = time.monotonic()

    return report


def _speed(units: float) -> str:
    """Say units a second, or a minute where one takes seconds: whole cells of a study are units, too."""
    if not units:
        return ""  # not known yet
    return f"{units:.0f} units/s" if units >= 1 else f"{units * 60:.1f} units/min"


def _words(terms: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in terms.items())


@contextmanager
def words() -> Iterator[Callable[[str], None]]:
    """Shows the latest of the words that are reported."""
    if bars():
        from rich.console import Console

        with Console(stderr=True).status("...") as status:
            yield status.update
        return
    last = time.monotonic()

    def report(said: str) -> None:
        nonlocal last
        if time.monotonic() - last >= BETWEEN:
            say(said)
            last = time.monotonic()

    yield report
