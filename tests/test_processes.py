"""Worker processes: results come, in order or not, also when joblib replaces a worker that has grown."""

import time

import numpy as np
from joblib import delayed

from semeia.processes import in_processes

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


def test_a_worker_that_has_grown_is_replaced_without_a_word():
    # The suite turns warnings into errors, those of joblib's own thread too.
    assert sorted(in_processes((delayed(grow)(number) for number in range(6)), workers=2, ordered=False)) == [*range(6)]
