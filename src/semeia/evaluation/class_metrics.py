"""Every metric of one fold of predictions of several classes, in every bootstrap draw; see metrics.py for binary ones.

`macro_auroc`, `balanced_accuracy`, `accuracy`, `macro_f1`, `recall_<class>`, `brier_classes` and `log_loss`; and where
the classes are grades in an order also `quadratic_kappa`, `grade_error` and `auroc_at_least_<grade>`.
"""

import numpy as np
from jaxtyping import Float, Shaped

from semeia.evaluation.cells import Fold
from semeia.evaluation.metrics import Values, by_name
from semeia.evaluation.multiclass import (
    accuracy_draws,
    balanced_accuracy_draws,
    called_class,
    confusion_draws,
    log_loss_draws,
    macro_auroc_draws,
    macro_f1_draws,
    multiclass_brier_draws,
    present_classes,
    recall_draws,
)
from semeia.evaluation.ordinal import at_least_auroc_draws, grade_error_draws, quadratic_kappa_draws
from semeia.evaluation.resampling import Draws


def compared_class_metrics(fold: Fold, draws: Draws) -> Values:
    """Macro AUROC and balanced accuracy: those of which paired differences are taken."""
    present = present_classes(fold.label, fold.classes.shape[1])

    def statistic(weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws 2"]:
        auroc = macro_auroc_draws(fold.label, fold.classes, weights)
        return np.column_stack([auroc, balanced_accuracy_draws(_confusion(fold, weights), present)])

    return by_name(("macro_auroc", "balanced_accuracy"), draws.apply(fold.patient, statistic))


def compared_grade_metrics(fold: Fold, draws: Draws) -> Values:
    """Those of classes without an order, and quadratic-weighted kappa."""
    kappa = draws.apply(fold.patient, lambda weights: quadratic_kappa_draws(_confusion(fold, weights)))
    return compared_class_metrics(fold, draws) | {"quadratic_kappa": kappa}


def absolute_class_metrics(fold: Fold, draws: Draws) -> Values:
    """Accuracy, macro F1, the recall of each class, Brier score and log loss."""
    k = fold.classes.shape[1]
    present = present_classes(fold.label, k)

    def statistic(weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws m"]:
        confusion = _confusion(fold, weights)
        calls = [accuracy_draws(confusion), macro_f1_draws(confusion, present), recall_draws(confusion)]
        given = [score(fold.label, fold.classes, weights) for score in (multiclass_brier_draws, log_loss_draws)]
        return np.column_stack([*calls, *given])

    names = ("accuracy", "macro_f1", *(f"recall_{number}" for number in range(k)), "brier_classes", "log_loss")
    return by_name(names, draws.apply(fold.patient, statistic))


def absolute_grade_metrics(fold: Fold, draws: Draws) -> Values:
    """Those of classes without an order, the error in grades, and the AUROC of each grade or more."""

    def statistic(weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws k"]:
        error = grade_error_draws(_confusion(fold, weights))
        return np.column_stack([error, at_least_auroc_draws(fold.label, fold.classes, weights)])

    names = ("grade_error", *(f"auroc_at_least_{grade}" for grade in range(1, fold.classes.shape[1])))
    return absolute_class_metrics(fold, draws) | by_name(names, draws.apply(fold.patient, statistic))


def _confusion(fold: Fold, weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws k k"]:
    return confusion_draws(fold.label, called_class(fold.classes), weights, classes=fold.classes.shape[1])
