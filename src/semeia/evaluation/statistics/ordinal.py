"""How near the called grade is to the true one, where classes are grades in an order.

Takes the confusion matrices of multiclass.py, or labels and probabilities, for all bootstrap draws at once. "Grade k
or more" has as its score the sum of the probabilities from k on, so one model of grades is judged at every cut.
"""

import numpy as np
from jaxtyping import Float, Shaped

from semeia.evaluation.statistics.discrimination import auroc_draws

# Sums that are equal on paper differ in their last bits, and would break ties.
DECIMALS = 12


def quadratic_kappa_draws(confusion: Float[np.ndarray, "draws k k"]) -> Float[np.ndarray, "draws"]:
    """Cohen's kappa with quadratic weights (Cohen 1968): 1 agrees, 0 is what the margins alone would give.

    NaN for a draw whose rows are all of one true grade: there is nothing to agree on.
    """
    grades = np.arange(confusion.shape[1])
    distance = (grades[:, None] - grades) ** 2.0
    true, called = confusion.sum(axis=2), confusion.sum(axis=1)
    total = true.sum(axis=1)
    expected = np.einsum("dr,rc,dc->d", true, distance, called)
    observed = np.einsum("drc,rc->d", confusion, distance) * total
    varied = (true > 0).sum(axis=1) > 1
    return 1 - np.divide(observed, expected, out=np.full(len(total), np.nan), where=varied & (expected > 0))


def grade_error_draws(confusion: Float[np.ndarray, "draws k k"]) -> Float[np.ndarray, "draws"]:
    """Mean absolute distance between called and true grade, in grades; NaN for a draw without rows."""
    grades = np.arange(confusion.shape[1])
    total = confusion.sum(axis=(1, 2))
    apart = np.einsum("drc,rc->d", confusion, np.abs(grades[:, None] - grades).astype(np.float64))
    return np.divide(apart, total, out=np.full(len(total), np.nan), where=total > 0)


def at_least(classes: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n cuts"]:
    """Probability of grade 1 or more, 2 or more, and so on up to k - 1: `[n, k - 1]`."""
    from_above = np.cumsum(classes[:, ::-1], axis=1)[:, ::-1]
    return np.round(from_above[:, 1:], DECIMALS)


def at_least_auroc_draws(
    label: Shaped[np.ndarray, "n"], classes: Float[np.ndarray, "n k"], weights: Shaped[np.ndarray, "draws n"]
) -> Float[np.ndarray, "draws cuts"]:
    """AUROC of "grade k or more" for each k from 1; NaN where a draw has rows on one side of the cut only."""
    scores = at_least(classes)
    each = [auroc_draws(label > cut, scores[:, cut], weights) for cut in range(scores.shape[1])]
    return np.stack(each, axis=1)
