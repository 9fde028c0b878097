"""Calls spread over worker processes by joblib, of this machine or of a Ray cluster; or made in one that may die."""

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from semeia.errors import InputError

if TYPE_CHECKING:
    from joblib.externals.loky import ProcessPoolExecutor

Given = TypeVar("Given")
Result = TypeVar("Result")

Backend = Literal["local", "ray"]
# Where results cannot be handed over one by one, so many calls a worker are made before they are.
CALLS_A_WAVE = 4


def in_processes(calls: Iterable[Any], *, workers: int, ordered: bool = True) -> Iterator[Any]:
    """The results of `joblib.delayed` calls, each as soon as it is there.

    Args:
        calls: taken as they are needed, a few ahead.
        workers: number of processes.
        ordered: whether results come in the order of the calls, or as they are finished.

    Raises:
        InputError: There are no workers.
    """
    from joblib import Parallel, delayed
    from joblib.parallel import get_active_backend

    if workers < 1:
        raise InputError(f"workers is {workers}; it must be 1 or more.")
    here = os.getcwd()
    calls = (delayed(_call_from)(here, *call) for call in calls)
    if not getattr(get_active_backend()[0], "supports_return_generator", False):
        left = iter(calls)
        while wave := list(islice(left, CALLS_A_WAVE * workers)):
            yield from Parallel(n_jobs=workers)(wave)
        return
    with warnings.catch_warnings():
        # A worker that has grown by 300 MB is replaced by a fresh one between two calls; nothing is lost by it.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given to the executor")
        yield from Parallel(n_jobs=workers, return_as="generator" if ordered else "generator_unordered")(calls)


def _call_from(folder: str, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call as from a folder: a worker that joblib has kept stands where its first caller stood."""
    os.chdir(folder)
    return function(*args, **kwargs)


def apart(function: Callable[[Given], Result], given: Given, *, seconds: float) -> Result:
    """Call in another process, which native code may crash or keep busy without harm to this one.

    The process is kept for the next call.

    Args:
        function: of one argument, both of which can be sent.
        given: the argument.
        seconds: how long it may take.

    Raises:
        OSError: The process has died, or taken too long.
        Exception: What the function raises.
    """
    from concurrent.futures import TimeoutError as TooLong
    from concurrent.futures.process import BrokenProcessPool

    executor = _another()
    try:
        return executor.submit(_call_from, os.getcwd(), function, (given,), {}).result(seconds)
    except (BrokenProcessPool, TooLong) as error:
        _another.cache_clear()
        executor.shutdown(wait=False, kill_workers=True)
        raise OSError(f"another process has died, or taken more than {seconds:g} seconds") from error


@cache
def _another() -> "ProcessPoolExecutor":
    from joblib.externals.loky import ProcessPoolExecutor

    return ProcessPoolExecutor(max_workers=1, timeout=120)


@contextmanager
def backend(name: Backend) -> Iterator[None]:
    """Sends the calls of `in_processes` to processes of this machine ("local"), or of the Ray cluster that RAY_ADDRESS
    names ("ray"; of a cluster on this machine where it names none). All its machines must see the same files.

    Raises:
        InputError: Ray is not installed.
    """
    if name == "local":
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    try:
        from ray.util.joblib import register_ray  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InputError("--backend ray needs Ray: pip install 'semeia[ray]'") from error
    from joblib import parallel_config

    register_ray()
    with parallel_config("ray"):
        yield
