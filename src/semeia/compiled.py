"""Compile loops to machine code (numba).

The code is kept beside the file, or in the user's cache, and compiled once a machine; where neither can be written it
is compiled in every process. Why numba: docs/decisions/0007. Two things to know when changing a compiled function:
the cache notices a change in the function's own file only (after a change in signatures/draws.py delete __pycache__),
and the functions bear `no_type_check` because the run-time type checks of the tests would hide them from numba.
"""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable)


def compiled(function: Function) -> Function:
    """The function, compiled at its first call. Division by zero gives inf or NaN, as in numpy."""
    try:
        return cast("Function", njit(function, cache=True, error_model="numpy"))
    except RuntimeError:  # nowhere to keep a cache
        return cast("Function", njit(function, error_model="numpy"))
