import threading
import time

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from semeia.signatures.threads import in_order, one_thread_each


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_order_and_few_items_are_held(threads):
    taken = []

    def items():
        for number in range(12):
            taken.append(number)
            yield number

    def work(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number**2

    for done, result in enumerate(in_order(items(), work, threads=threads)):
        assert result == done**2
        assert len(taken) <= done + threads + 1


def test_an_error_in_a_thread_is_raised():
    with pytest.raises(ZeroDivisionError):
        list(in_order([1, 0, 2], lambda number: 1 / number, threads=2))


def test_work_is_in_several_threads():
    together = threading.Barrier(2, timeout=20)
    list(in_order(range(2), lambda _: together.wait(), threads=2))


def test_libraries_have_one_thread_inside_and_what_they_had_outside():
    np.dot(np.eye(2), np.eye(2))
    torch.set_num_threads(2)
    before = [(library["filepath"], library["num_threads"]) for library in threadpool_info()]
    with one_thread_each():
        assert {library["num_threads"] for library in threadpool_info()} == {1}
        assert torch.get_num_threads() == 1
        assert list(in_order(range(3), lambda _: torch.get_num_threads(), threads=2)) == [1, 1, 1]

    assert torch.get_num_threads() == 2
    assert [(library["filepath"], library["num_threads"]) for library in threadpool_info()] == before
