"""What a run cost: wall time, and the peak memory of this process and all its workers together."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

EVERY_SECONDS = 0.5


@dataclass
class Used:
    """Filled while the block runs. `peak_rss_mb` is the largest sum of resident memory seen, in MiB."""

    wall_seconds: float = 0.0
    peak_rss_mb: float = 0.0


@contextmanager
def measuring() -> Iterator[Used]:
    """Samples memory twice a second in a thread of its own."""
    import psutil

    used = Used()
    process = psutil.Process()
    stop = threading.Event()

    def sample() -> None:
        total = process.memory_info().rss
        for child in process.children(recursive=True):
            with suppress(psutil.Error):  # it may end while we look
                total += child.memory_info().rss
        used.peak_rss_mb = max(used.peak_rss_mb, round(total / 2**20, 1))

    def watch() -> None:
        while not stop.wait(EVERY_SECONDS):
            sample()

    thread = threading.Thread(target=watch, daemon=True)
    began = time.monotonic()
    sample()
    thread.start()
    try:
        yield used
    finally:
        stop.set()
        thread.join()
        sample()
        used.wall_seconds = round(time.monotonic() - began, 1)
