"""Wall time and memory are those of the block, children included."""

import mmap
import subprocess
import sys
import time

import pytest

from semeia.learning import resources
from semeia.learning.resources import measuring


def test_time_and_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(resources, "EVERY_SECONDS", 0.02)
    with measuring() as idle:
        pass
    with measuring() as used:
        held = mmap.mmap(-1, 40 * 2**20)  # memory of its own: `malloc` may hand out what the process holds already
        for page in range(0, len(held), mmap.PAGESIZE):
            held[page] = 1
        time.sleep(0.2)
        held.close()
    assert used.wall_seconds >= 0.2
    assert used.peak_rss_mb - idle.peak_rss_mb > 25


def test_children_count(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(resources, "EVERY_SECONDS", 0.02)
    with measuring() as alone:
        pass
    child = subprocess.Popen(
        [sys.executable, "-c", "x = bytearray(60 * 2**20); print(1, flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        with measuring() as used:
            pass
        child.communicate(b"\n")
    assert used.peak_rss_mb - alone.peak_rss_mb > 50
