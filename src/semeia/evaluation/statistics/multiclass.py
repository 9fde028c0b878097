"""How well probabilities of several classes (labels 0 to k - 1) tell them apart, for all bootstrap draws at once.

Calls are the most probable class, and enter by the draws' confusion matrices. Macro averages run over the classes that
are among the rows' labels; a draw that lost one of these is NaN, as a draw of one class is for AUROC.
"""

import numpy as np
from jaxtyping import Bool, Float

from semeia.evaluation.shapes import Column, Drawn, DrawnColumns, Matrix, Numbers, Squares, Weights
from semeia.evaluation.statistics.calibration import CLIP
from semeia.evaluation.statistics.discrimination import auroc_draws, weighted_mean
from semeia.evaluation.statistics.group_sums import group_sums, ratio


def called_class(classes: Matrix) -> Numbers:
    """The most probable class of each row; the lowest where several are equally probable."""
    return classes.argmax(axis=1)


def present_classes(label: Column, classes: int) -> Bool[np.ndarray, "k"]:
    """Which of the classes are among the labels."""
    return np.bincount(label, minlength=classes) > 0


def confusion_draws(label: Column, called: Column, weights: Weights, *, classes: int) -> Squares:
    """How many rows of each true class (down) each draw calls each class (across)."""
    cell = label.astype(np.int64) * classes + called
    return group_sums(weights, cell, groups=classes * classes).reshape(-1, classes, classes)


def recall_draws(confusion: Squares) -> DrawnColumns:
    """Share of each class's rows that are called so; NaN for a class that the draw lacks."""
    return ratio(_diagonal(confusion), confusion.sum(axis=2))


def accuracy_draws(confusion: Squares) -> Drawn:
    """Share of rows called right; NaN for a draw without rows."""
    return ratio(_diagonal(confusion).sum(axis=1), confusion.sum(axis=(1, 2)))


def balanced_accuracy_draws(confusion: Squares, present: Bool[np.ndarray, "k"]) -> Drawn:
    """Mean recall over the present classes."""
    return _macro(recall_draws(confusion), present)


def macro_f1_draws(confusion: Squares, present: Bool[np.ndarray, "k"]) -> Drawn:
    """Mean F1 over the present classes: 2 * right / (true + called), 0 for a class that is never called right."""
    true, called = confusion.sum(axis=2), confusion.sum(axis=1)
    f1 = ratio(2 * _diagonal(confusion), true + called)
    return _macro(np.where(true > 0, f1, np.nan), present)


def macro_auroc_draws(label: Column, classes: Matrix, weights: Weights) -> Drawn:
    """Mean over the present classes of the AUROC of each against all others (unweighted; Provost and Domingos 2000)."""
    present = np.flatnonzero(present_classes(label, classes.shape[1]))
    each = [auroc_draws(label == k, classes[:, k], weights) for k in present]
    return np.mean(each, axis=0) if each else np.full(len(weights), np.nan)


def multiclass_brier_draws(label: Column, classes: Matrix, weights: Weights) -> Drawn:
    """Squared distance between the probabilities and the class that is, summed over classes: 0 to 2 (Brier 1950)."""
    truth = label[:, None] == np.arange(classes.shape[1])
    return weighted_mean(((classes - truth) ** 2).sum(axis=1), weights)


def log_loss_draws(label: Column, classes: Matrix, weights: Weights) -> Drawn:
    """Minus the log of the probability of the class that is; probabilities below 1e-6 count as 1e-6."""
    given = classes[np.arange(len(label)), label.astype(np.int64)]
    return weighted_mean(-np.log(np.maximum(given, CLIP)), weights)


def _diagonal(confusion: Squares) -> DrawnColumns:
    return np.einsum("dkk->dk", confusion)


def _macro(values: DrawnColumns, present: Bool[np.ndarray, "k"]) -> Drawn:
    if not present.any():
        return np.full(len(values), np.nan)
    return values[:, present].mean(axis=1)


# Sums that are equal on paper differ in their last bits, and would break ties.
DECIMALS = 12


def quadratic_kappa_draws(confusion: Squares) -> Drawn:
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
    return 1 - ratio(observed, np.where(varied, expected, 0.0))


def grade_error_draws(confusion: Squares) -> Drawn:
    """Mean absolute distance between called and true grade, in grades; NaN for a draw without rows."""
    grades = np.arange(confusion.shape[1])
    apart = np.einsum("drc,rc->d", confusion, np.abs(grades[:, None] - grades).astype(np.float64))
    return ratio(apart, confusion.sum(axis=(1, 2)))


def at_least(classes: Matrix) -> Float[np.ndarray, "n cuts"]:
    """Probability of grade 1 or more, 2 or more, and so on up to k - 1: `[n, k - 1]`."""
    from_above = np.cumsum(classes[:, ::-1], axis=1)[:, ::-1]
    return np.round(from_above[:, 1:], DECIMALS)


def at_least_auroc_draws(label: Column, classes: Matrix, weights: Weights) -> Float[np.ndarray, "draws cuts"]:
    """AUROC of "grade k or more" for each k from 1; NaN where a draw has rows on one side of the cut only."""
    scores = at_least(classes)
    each = [auroc_draws(label > cut, scores[:, cut], weights) for cut in range(scores.shape[1])]
    return np.stack(each, axis=1)
