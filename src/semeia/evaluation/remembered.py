"""Metrics of a fold that are asked for again: computed once for the same rows and draws, and kept as long as both are.

A function of a `Fold` and `Draws` goes in, the same function with a memory comes out. The results and the table of
transport ask for the same metrics; with a million predictions each takes half a minute.
"""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from semeia.evaluation.cells import Fold
from semeia.evaluation.resampling import Draws

Values = TypeVar("Values")


def remembered(function: Callable[[Fold, Draws], Values]) -> Callable[[Fold, Draws], Values]:
    """The function, which looks up what it gave for the same objects. What it gives must not be changed."""
    known: WeakKeyDictionary[Fold, WeakKeyDictionary[Draws, Values]] = WeakKeyDictionary()

    @wraps(function)
    def look_up(fold: Fold, draws: Draws) -> Values:
        of_fold = known.setdefault(fold, WeakKeyDictionary())
        if draws not in of_fold:
            of_fold[draws] = function(fold, draws)
        return of_fold[draws]

    return look_up
