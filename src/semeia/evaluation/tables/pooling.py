"""Which of a cell's seeds are judged as one set of predictions.

Folds by seed come in and go out. Seeds that test different units (cross-validation) predict every unit once between
them: they are one set, because a curve or a bin needs all the rows it can get. Seeds that predict the same units
stay one set each, and what is computed on them is averaged inside each draw (across_seeds.py).
"""

import numpy as np

from semeia.evaluation.cells import Fold, concatenate


def pooled(folds: dict[int, Fold]) -> dict[int, Fold]:
    """One fold of all rows, under the first seed, where no unit is in two seeds; else the folds as they are."""
    every = concatenate(list(folds.values()))
    return {min(folds): every} if np.bincount(every.unit).max() == 1 else folds
