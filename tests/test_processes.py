"""Worker processes: results come, in order or not, also when joblib replaces a worker that has grown."""

import os
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
from joblib import delayed

from semeia.errors import InputError
from semeia.processes import apart, backend, in_processes

HELD = []


def double(number: int) -> int:
    return 2 * number


def grow(number: int) -> int:
    """Holds 320 MB more after each call, and outlasts the second that joblib waits between two looks at a worker."""
    HELD.append(np.ones(40_000_000))
    time.sleep(1.1)
    return number


def test_results_come_in_order_unless_that_does_not_matter():
    calls = [delayed(double)(number) for number in range(6)]
    assert list(in_processes(calls, workers=2)) == [0, 2, 4, 6, 8, 10]
    assert sorted(in_processes(calls, workers=2, ordered=False)) == [0, 2, 4, 6, 8, 10]
    assert list(in_processes(calls, workers=1)) == [0, 2, 4, 6, 8, 10]


def test_a_relative_path_is_read_from_where_the_caller_stands_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "it.txt").write_text(name)
        monkeypatch.chdir(tmp_path / name)
        # The second time joblib sends the calls to the workers of the first.
        assert list(in_processes((delayed(Path.read_text)(Path("it.txt")) for _ in range(4)), workers=2)) == [name] * 4
        assert apart(Path.read_text, Path("it.txt"), seconds=60.0) == name


def test_a_worker_that_has_grown_is_replaced_without_a_word():
    # The suite turns warnings into errors, those of joblib's own thread too.
    assert sorted(in_processes((delayed(grow)(number) for number in range(6)), workers=2, ordered=False)) == [*range(6)]


def test_a_backend_that_gives_results_all_at_once_is_asked_in_waves(monkeypatch: pytest.MonkeyPatch):
    taken = []

    def calls():
        for number in range(20):
            taken.append(number)
            yield delayed(double)(number)

    monkeypatch.setattr(joblib.parallel.ThreadingBackend, "supports_return_generator", False)
    with joblib.parallel_config("threading"):
        found = in_processes(calls(), workers=2)
        assert next(found) == 0
        assert len(taken) == 8
        assert [0, *found] == [2 * number for number in range(20)]


def test_a_ray_cluster_gives_the_same_results():
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    try:
        with backend("ray"):
            assert list(in_processes((delayed(double)(number) for number in range(20)), workers=2)) == [
                *range(0, 40, 2)
            ]
    finally:
        ray.shutdown()


def test_ray_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray.util.joblib", None)
    with pytest.raises(InputError, match="needs Ray: pip install"), backend("ray"):
        pass


def test_no_workers_are_refused():
    with pytest.raises(InputError, match="workers is 0"):
        list(in_processes([delayed(double)(1)], workers=0))


def abort(code: int) -> int:
    """End the process as a crash in native code does, or give the code back."""
    if code:
        os.abort()
    return code


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def test_a_crash_apart_is_an_error_here_and_the_next_call_is_answered():
    with pytest.raises(OSError, match="another process has died"):
        apart(abort, 1, seconds=60.0)
    assert apart(abort, 0, seconds=60.0) == 0
    with pytest.raises(OSError, match=r"taken more than 0\.2 seconds"):
        apart(sleep, 30.0, seconds=0.2)
    assert apart(sleep, 0.0, seconds=60.0) == 0.0
    with pytest.raises(ValueError, match="invalid literal"):
        apart(int, "no number", seconds=60.0)  # what the function raises comes through
