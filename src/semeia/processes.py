"""Calls spread over worker processes, by joblib; `joblib.parallel_config` can send them to a cluster."""

import warnings
from collections.abc import Iterable, Iterator
from typing import Any


def in_processes(calls: Iterable[Any], *, workers: int, ordered: bool = True) -> Iterator[Any]:
    """The results of `joblib.delayed` calls, each as soon as it is there.

    Args:
        calls: taken as they are needed, a few ahead.
        workers: number of processes.
        ordered: whether results come in the order of the calls, or as they are finished.
    """
    from joblib import Parallel

    with warnings.catch_warnings():
        # A worker that has grown by 300 MB is replaced by a fresh one between two calls; nothing is lost by it.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given to the executor")
        yield from Parallel(n_jobs=workers, return_as="generator" if ordered else "generator_unordered")(calls)
