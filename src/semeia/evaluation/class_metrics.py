"""Every metric of one fold of predictions of several classes, in every bootstrap draw; see metrics.py for binary ones.

`macro_auroc`, `balanced_accuracy`, `accuracy`, `macro_f1`, `recall_<class>`, `brier_classes` and `log_loss`; and where
the classes are grades in an order also `quadratic_kappa`, `grade_error` and `auroc_at_least_<grade>`.
"""

import numpy as np
from jaxtyping import Float, Shaped

from semeia.evaluation.cells import Fold
from semeia.evaluation.metrics import Values, by_name
from semeia.evaluation.resampling import Draws
from semeia.evaluation.statistics.multiclass import (
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
from semeia.evaluation.statistics.ordinal import at_least_auroc_draws, grade_error_draws, quadratic_kappa_draws


def compared_class_metrics(fold: Fold, draws: Draws, *, ordinal: bool) -> Values:
    """Macro AUROC, balanced accuracy and, of grades, quadratic-weighted kappa: those of which differences are taken."""
    present = present_classes(fold.label, fold.classes.shape[1])

    def statistic(weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws m"]:
        confusion = _confusion(fold, weights)
        auroc = macro_auroc_draws(fold.label, fold.classes, weights)
        nearness = [quadratic_kappa_draws(confusion)] if ordinal else []
        return np.column_stack([auroc, balanced_accuracy_draws(confusion, present), *nearness])

    names = ("macro_auroc", "balanced_accuracy", *(("quadratic_kappa",) if ordinal else ()))
    return by_name(names, draws.apply(fold.patient, statistic))


def absolute_class_metrics(fold: Fold, draws: Draws, *, ordinal: bool) -> Values:
    """Accuracy, macro F1, recalls, Brier score and log loss; of grades also their error and the AUROC of each cut."""
    k = fold.classes.shape[1]
    present = present_classes(fold.label, k)

    def statistic(weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws m"]:
        confusion = _confusion(fold, weights)
        calls = [accuracy_draws(confusion), macro_f1_draws(confusion, present), recall_draws(confusion)]
        given = [score(fold.label, fold.classes, weights) for score in (multiclass_brier_draws, log_loss_draws)]
        if ordinal:
            given += [grade_error_draws(confusion), at_least_auroc_draws(fold.label, fold.classes, weights)]
        return np.column_stack([*calls, *given])

    names = ["accuracy", "macro_f1", *(f"recall_{number}" for number in range(k)), "brier_classes", "log_loss"]
    if ordinal:
        names += ["grade_error", *(f"auroc_at_least_{grade}" for grade in range(1, k))]
    return by_name(tuple(names), draws.apply(fold.patient, statistic))


def _confusion(fold: Fold, weights: Shaped[np.ndarray, "draws n"]) -> Float[np.ndarray, "draws k k"]:
    return confusion_draws(fold.label, called_class(fold.classes), weights, classes=fold.classes.shape[1])
