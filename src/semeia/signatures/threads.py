"""Work on blocks in threads, results in the order of the blocks; and libraries kept to one thread meanwhile.

Two threads inside one long, narrow matrix product are erratic on small machines (several libraries, each with its own
threads, wait for one another by spinning). So a product gets one thread and the blocks are dealt to several. Results
are taken in order: they are the same bits for any number of threads.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

# Below this size a matrix is done with sooner than a second thread has woken up on a busy machine.
LARGE = 1024

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(items: Iterable[Item], work: Callable[[Item], Result], *, threads: int) -> Iterator[Result]:
    """`work(item)` of each item, in order, at most `threads` + 1 items held at a time."""
    if threads == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Inside, a call of BLAS or torch keeps to the thread that makes it; outside, all is as it was."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)


def threads_for(size: int) -> AbstractContextManager[None]:
    """Inside, work on matrices of `size` rows and columns takes one thread, or all if they are large."""
    return one_thread_each() if size < LARGE else nullcontext()
