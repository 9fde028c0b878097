"""A statistic of one cell: of each seed's rows, averaged over the seeds in every draw, remembered while they live."""

from collections.abc import Callable
from functools import partial, wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float

from semeia.evaluation.cells import Fold, concatenate
from semeia.evaluation.resampling import Draws
from semeia.evaluation.shapes import DrawnColumns, Rows, Weights
from semeia.evaluation.statistics.group_sums import ratio
from semeia.evaluation.statistics.intervals import LEAST_DEFINED

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


FoldStatistic = Callable[[Fold, Weights], DrawnColumns]


def across_seeds(folds: dict[int, Fold], draws: Draws, statistic: FoldStatistic) -> Float[np.ndarray, "rows k"]:
    """Mean over the seeds of `statistic` in every draw; NaN where no seed is left.

    A seed for which one of the statistics does not exist on its own rows enters none of that statistic's draws.
    """
    values = [draws.apply(fold.patient, partial(statistic, fold)) for fold in folds.values()]
    return mean_over_seeds(np.stack(values))


def pooled(folds: dict[int, Fold]) -> dict[int, Fold]:
    """One fold of all rows, under the first seed, where no unit is in two seeds; else the folds as they are.

    Seeds that test different units (cross-validation) predict every unit once between them: they are one set of
    predictions, because a curve or a bin needs all the rows it can get.
    """
    every = concatenate(list(folds.values()))
    return {min(folds): every} if np.bincount(every.unit).max() == 1 else folds


def mean_over_seeds(values: Float[np.ndarray, "seeds rows k"]) -> Float[np.ndarray, "rows k"]:
    """The mean that `across_seeds` takes, of values that are there already; NaN for a draw without any."""
    defined = ~np.isnan(values) & ~np.isnan(values[:, :1, :])
    return ratio(np.where(defined, values, 0.0).sum(axis=0), defined.sum(axis=0))


def mostly_defined(values: Rows, draws: Draws) -> bool:
    """Whether a statistic exists on the rows as they are and in nine of ten draws, so that an interval means it."""
    defined = ~np.isnan(draws.drawn(values))
    return not np.isnan(values[0]) and bool(defined.mean() >= LEAST_DEFINED)
