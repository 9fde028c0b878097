"""Ctrl-C and SIGTERM, heard at the next step's end instead of in the middle of it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """Training was asked to stop; everything up to the last step is saved. The message says how to go on.

    Args:
        signal: number of the signal that came; None where it is not known.
    """

    def __init__(self, message: str = "", *, signal: int | None = None) -> None:
        super().__init__(message)
        self.signal = signal


class StopRequest:
    """Set once a signal has come."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __bool__(self) -> bool:
        return self.signal is not None


@contextmanager
def listening() -> Iterator[StopRequest]:
    """Turns SIGINT and SIGTERM into a `StopRequest`; a second one stops at once. Only in the main thread."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def hear(number: int, frame: FrameType | None) -> None:
        if request:
            raise KeyboardInterrupt
        request.signal = number

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
