"""The queue holds the last keys, whatever the sizes of the batches; a queue of no places remembers nothing."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semeia.objectives.queue import KeyQueue


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 9), max_size=6), capacity=st.integers(0, 7))
def test_the_queue_holds_the_last_keys(sizes: list[int], capacity: int):
    queue = KeyQueue(capacity, 3)
    keys = torch.arange(1.0, 1 + 3 * sum(sizes)).reshape(-1, 3)
    for part in keys.split(sizes) if sizes else ():
        queue.remember(part)
    assert len(queue.known()) == min(capacity, len(keys))
    assert {tuple(row) for row in queue.known().tolist()} == {
        tuple(row) for row in keys.tolist()[-capacity or len(keys) :]
    }


def test_what_is_known_does_not_change_when_more_comes_in():
    queue = KeyQueue(2, 1)
    queue.remember(torch.tensor([[1.0], [2.0]]))
    before = queue.known()
    queue.remember(torch.tensor([[3.0]]))
    assert before.tolist() == [[1.0], [2.0]]
    assert queue.known().tolist() == [[3.0], [2.0]]
