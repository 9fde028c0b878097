"""How far work is: a bar with throughput and time left, or words; a line now and then where there is no terminal."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[int, dict[str, float]], None]


def silent(done: int, terms: dict[str, float]) -> None:
    """For worker processes: their parent shows the cells."""


def say(words: str) -> None:
    """A line on standard error, for what the reader must know whatever is shown there."""
    print(f"semeia: {words}", file=sys.stderr)


@contextmanager
def every_minute(words: Callable[[], str], *, seconds: float | int = 60) -> Iterator[None]:
    """While the block runs, a line on standard error now and then, where there is no terminal to show a bar.

    Args:
        words: asked each time, from another thread.
        seconds: between two lines.
    """
    if sys.stderr.isatty():
        yield
        return
    ended = threading.Event()

    def speak() -> None:
        while not ended.wait(seconds):
            print(words(), file=sys.stderr, flush=True)

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


@contextmanager
def terminal(label: str, total: int, *, per_step: int) -> Iterator[Report]:
    """Shows steps done, units per second, time left and the latest terms, on standard error.

    Args:
        label: what is running.
        total: number of steps.
        per_step: units in a step.
    """
    if not sys.stderr.isatty():
        yield _lines(label, total, per_step)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(
        *columns, TimeRemainingColumn(), TextColumn("{task.fields[note]}"), console=Console(stderr=True)
    ) as bar:
        task = bar.add_task(label, total=total, note="")
        began = time.monotonic()
        first: list[int] = []

        def report(done: int, terms: dict[str, float]) -> None:
            first[:] = first or [done - 1]
            speed = (done - first[0]) * per_step / max(time.monotonic() - began, 1e-9)
            words = "  ".join(f"{name} {value:.3f}" for name, value in terms.items())
            bar.update(task, completed=done, note=f"{speed:.0f} units/s  {words}")

        yield report


@contextmanager
def words() -> Iterator[Callable[[str], None]]:
    """Shows the latest of the words that are reported, on standard error."""
    if sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True).status("...") as status:
            yield status.update
        return
    last = time.monotonic()

    def report(said: str) -> None:
        nonlocal last
        if time.monotonic() - last >= 20:
            print(said, file=sys.stderr)
            last = time.monotonic()

    yield report


def _lines(label: str, total: int, per_step: int) -> Report:
    last = time.monotonic()
    before: int | None = None

    def report(done: int, terms: dict[str, float]) -> None:
        nonlocal last, before
        now = time.monotonic()
        before = done - 1 if before is None else before  # a resumed run does not begin at 0
        if now - last < 20 and done < total:
            return
        speed = (done - before) / max(now - last, 1e-9)
        words = "  ".join(f"{name} {value:.3f}" for name, value in terms.items())
        left = (total - done) / max(speed, 1e-9)
        print(
            f"{label}: step {done} of {total}, {speed * per_step:.0f} units/s, {left:.0f} s left, {words}",
            file=sys.stderr,
        )
        last, before = now, done

    return report
