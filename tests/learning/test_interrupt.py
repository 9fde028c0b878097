"""A first signal is noted, a second one stops at once, and the handlers of before come back."""

import os
import pickle
import signal
import threading

import pytest

from semeia.learning.interrupt import Interrupted, StopRequest, listening


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_is_noted_and_two_stop(number: signal.Signals):
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    with pytest.raises(KeyboardInterrupt), listening() as request:  # noqa: PT012
        assert not request
        os.kill(os.getpid(), number)
        assert request
        assert request.signal == number
        os.kill(os.getpid(), number)
    assert {n: signal.getsignal(n) for n in before} == before


def test_in_another_thread_nothing_is_touched():
    found: list[StopRequest] = []

    def work() -> None:
        with listening() as request:
            found.append(request)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not found[0]


def test_it_is_a_keyboard_interrupt_that_passes_between_processes():
    stopped = pickle.loads(pickle.dumps(Interrupted("saved in x", signal=signal.SIGTERM)))
    assert issubclass(Interrupted, KeyboardInterrupt)
    assert isinstance(stopped, Interrupted)
    assert (str(stopped), stopped.signal) == ("saved in x", signal.SIGTERM)
