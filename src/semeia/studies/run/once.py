"""Make something once in a process for equal arguments: a worker reads its archives once for all of its cells."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Made = TypeVar("Made")
MOST = 4
_kept: dict[str, object] = {}


def once(make: Callable[Given, Made]) -> Callable[Given, Made]:
    """Let a call with equal arguments (in words: settings hold dictionaries) give back what an earlier one has made."""

    @wraps(make)
    def kept(*args: Given.args, **kwargs: Given.kwargs) -> Made:
        words = repr((make.__module__, make.__qualname__, args, kwargs))
        if words not in _kept:
            while len(_kept) >= MOST:
                del _kept[next(iter(_kept))]
            _kept[words] = make(*args, **kwargs)
        return _kept[words]  # pyright: ignore[reportReturnType]

    return kept
