"""A linear probe on frozen features: L2-logistic regression, its strength chosen within the training patients."""

from dataclasses import dataclass

import numpy as np

from semeia.errors import InputError

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
FEW_STRENGTHS = (1e-3, 1e-2, 1e-1)
# A logit this far below the others is a chance of nothing, and no infinity.
_NEVER = 30.0


@dataclass(frozen=True)
class Linear:
    """A fitted logistic regression: logit = x @ weight + bias, for x [n, features]."""

    weight: np.ndarray
    bias: float


def fit_linear(
    x: np.ndarray,
    labels: np.ndarray,
    patients: np.ndarray,
    *,
    seed: int,
    strengths: tuple[float, ...] = STRENGTHS,
    balanced: bool = False,
) -> Linear:
    """Fits, with the inverse strength C of the penalty chosen by cross-validation over patients (log loss).

    Args:
        x: standardised features, [n, features].
        labels: 0 or 1, [n].
        patients: whose each row is; a patient stays on one side of every fold.
        strengths: candidates for C; a single one is taken as it is.
        balanced: whether each class counts the same, however few units it has.
    """
    if len(np.unique(labels)) < 2:
        raise InputError("the training labels are all of one class: nothing can be fitted")
    fitted = _logistic(x, labels, patients, seed=seed, strengths=strengths, balanced=balanced)
    return Linear(weight=fitted.coef_[0].astype(np.float64), bias=float(fitted.intercept_[0]))


@dataclass(frozen=True)
class Outputs:
    """A fitted regression of several outputs: logits = x @ weight.T + bias, [n, output]."""

    weight: np.ndarray
    bias: np.ndarray


def fit_outputs(
    x: np.ndarray,
    labels: np.ndarray,
    patients: np.ndarray,
    *,
    classes: int,
    seed: int,
    strengths: tuple[float, ...] | None = None,
    balanced: bool = False,
) -> Outputs:
    """As `fit_linear`, for labels 0 to classes - 1: one output of two classes, one a class of several.

    Of several, a class without a training unit gets no chance, and fewer strengths are tried by default.
    """
    if classes == 2:
        known = STRENGTHS if strengths is None else strengths
        fitted = fit_linear(x, labels, patients, seed=seed, strengths=known, balanced=balanced)
        return Outputs(fitted.weight[None], np.array([fitted.bias]))
    present = np.unique(labels).astype(int)
    if len(present) < 2:
        raise InputError("the training labels are all of one class: nothing can be fitted")
    strengths = FEW_STRENGTHS if strengths is None else strengths
    fitted = _logistic(x, labels, patients, seed=seed, strengths=strengths, balanced=balanced)
    weight, bias = np.zeros((classes, x.shape[1])), np.full(classes, -_NEVER)
    coefficients, intercepts = fitted.coef_, fitted.intercept_
    if len(present) == 2:  # one row, of the odds between the two
        coefficients = np.concatenate([-coefficients, coefficients]) / 2
        intercepts = np.concatenate([-intercepts, intercepts]) / 2
    weight[present], bias[present] = coefficients, intercepts
    return Outputs(weight, bias)


def _logistic(
    x: np.ndarray,
    labels: np.ndarray,
    patients: np.ndarray,
    *,
    seed: int,
    strengths: tuple[float, ...],
    balanced: bool,
):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.utils.class_weight import compute_sample_weight

    classes = "balanced" if balanced else None
    there = np.unique(labels)
    # In float32 the solver's line search may find no step that lowers the loss by more than its rounding, and gives up.
    x = x.astype(np.float64)
    folds = inner_folds(labels, patients, seed) if len(strengths) > 1 else []
    losses = []
    for strength in strengths:
        scores = []
        for train, test in folds:
            fitted = LogisticRegression(C=strength, max_iter=5000, class_weight=classes).fit(x[train], labels[train])
            chance = fitted.predict_proba(x[test])
            chance = chance[:, 1] if len(there) == 2 else chance
            counts = compute_sample_weight(classes, labels[test])
            scores.append(log_loss(labels[test], chance, labels=there, sample_weight=counts))
        losses.append(np.mean(scores) if scores else 0.0)
    # Ties, and too few patients for any fold, go to the strongest penalty but one.
    best = int(np.argmin(losses)) if folds else min(1, len(strengths) - 1)
    return LogisticRegression(C=strengths[best], max_iter=5000, class_weight=classes).fit(x, labels)


def inner_folds(labels: np.ndarray, patients: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and test rows of up to five folds of patients, stratified; none where a class has a single patient."""
    from sklearn.model_selection import StratifiedGroupKFold

    there = np.unique(labels)
    fewest = min(len(np.unique(patients[labels == value])) for value in there)
    if fewest < 2:
        return []
    splitter = StratifiedGroupKFold(n_splits=min(5, fewest), shuffle=True, random_state=seed)
    pairs = splitter.split(labels, labels, patients)
    return [(train, test) for train, test in pairs if len(np.unique(labels[train])) == len(there)]
