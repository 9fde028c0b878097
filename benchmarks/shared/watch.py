"""What work takes: seconds, processor time and memory of this process and its children; and what machine it is."""

import platform
from threading import Event, Thread
from time import perf_counter

import psutil


class Watch:
    """Seconds, processor time and the largest resident memory, of this process and its children together."""

    def __enter__(self) -> "Watch":
        self.peak, self._stop = 0, Event()
        self._begin, self._used = perf_counter(), self._look()
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.seconds, self.cpu = perf_counter() - self._begin, self._look() - self._used

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            self._look()

    def _look(self) -> float:
        """Notes the memory; returns the processor time used so far."""
        me, memory, used = psutil.Process(), 0, 0.0
        for process in [me, *me.children(recursive=True)]:
            try:
                memory += process.memory_info().rss
                used += sum(process.cpu_times()[:2])
            except psutil.Error:
                continue  # it has just ended
        self.peak = max(self.peak, memory)
        return used


def processor() -> str:
    """The model of the processor."""
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
