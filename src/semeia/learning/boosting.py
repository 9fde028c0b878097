"""Gradient boosting on columns of numbers: the number of trees is chosen within the training patients.

Trees are not stored (that would need pickle); a model lives as long as it scores.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from sklearn.ensemble import HistGradientBoostingClassifier

from semeia.learning.probe import inner_folds

# Few trees of few leaves: labels are few. Which number of trees is best is asked of these.
TREES = (5, 10, 20, 40, 80, 160)
LEAVES, LEAST_ROWS, RATE = 8, 10, 0.05  # of fewer than a hundred labels a leaf holds a tenth


@dataclass(frozen=True)
class Boosted:
    """Fitted trees, how many of them there are, and the columns they read."""

    trees: HistGradientBoostingClassifier
    number: int
    columns: Bool[np.ndarray, " p"]

    def score(self, x: Float[np.ndarray, "n p"]) -> Float[np.ndarray, " n"]:
        """Probabilities; NaN is a value of its own to a tree."""
        return self.trees.predict_proba(x[:, self.columns])[:, 1]


def fit_boosting(x: Float[np.ndarray, "n p"], labels: np.ndarray, patients: np.ndarray, *, seed: int) -> Boosted:
    """Fits, with the number of trees that has the least log loss in cross-validation over patients.

    Columns are raw, NaN where missing. A patient stays on one side of every fold.
    """
    columns, least = can_split(x), least_rows(len(labels))
    read = x[:, columns]
    losses = [
        _staged_losses(_fit(read[train], labels[train], TREES[-1], seed, least), read[test], labels[test])
        for train, test in inner_folds(labels, patients, seed)
    ]
    number = TREES[int(np.mean(losses, axis=0).argmin())] if losses else TREES[1]
    return Boosted(_fit(read, labels, number, seed, least), number, columns)


def least_rows(labels: int) -> int:
    """Rows that a leaf holds at least: with ten of twenty no tree could follow anything but the middle of a column."""
    return max(2, min(LEAST_ROWS, labels // 10))


def can_split(x: Float[np.ndarray, "n p"]) -> Bool[np.ndarray, " p"]:
    """Columns that a tree could split: enough rows differ from the most common value (or from missing).

    Leaving out the others changes no tree and saves most of the time where codes are rare. One column always stays.
    """
    known = np.where(np.isnan(x), -np.inf, x)
    # What more than half of the rows have is in the middle when they are sorted.
    middle = np.sort(known, axis=0)[len(x) // 2]
    kept = (known != middle).sum(axis=0) >= min(least_rows(len(x)), len(x) // 2)
    kept[0] |= not kept.any()
    return kept


def _fit(x: np.ndarray, labels: np.ndarray, number: int, seed: int, least: int) -> HistGradientBoostingClassifier:
    # A column without any value cannot be binned; a constant one is never split.
    empty = np.isnan(x).all(axis=0)
    trees = HistGradientBoostingClassifier(
        max_iter=number,
        learning_rate=RATE,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=least,
        early_stopping=False,  # pyright: ignore[reportArgumentType]  (the stub knows the word "auto" only)
        random_state=seed,
    )
    return trees.fit(np.where(empty, 0.0, x), labels)


def _staged_losses(fitted: HistGradientBoostingClassifier, x: np.ndarray, labels: np.ndarray) -> list[float]:
    from sklearn.metrics import log_loss

    staged = list(fitted.staged_predict_proba(x))
    return [float(log_loss(labels, staged[number - 1][:, 1], labels=[0, 1])) for number in TREES]
