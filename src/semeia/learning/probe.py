"""A linear probe on frozen features: L2-logistic regression, its strength chosen within the training patients."""

from dataclasses import dataclass

import numpy as np

from semeia.errors import InputError

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


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
) -> Linear:
    """Fits, with the inverse strength C of the penalty chosen by cross-validation over patients (log loss).

    Args:
        x: standardised features, [n, features].
        labels: 0 or 1, [n].
        patients: whose each row is; a patient stays on one side of every fold.
        seed: of the folds.
        strengths: candidates for C; a single one is taken as it is.

    Raises:
        InputError: only one class.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    if len(np.unique(labels)) < 2:
        raise InputError("the training labels are all of one class: nothing can be fitted")
    folds = inner_folds(labels, patients, seed) if len(strengths) > 1 else []
    losses = []
    for strength in strengths:
        scores = []
        for train, test in folds:
            fitted = LogisticRegression(C=strength, max_iter=5000).fit(x[train], labels[train])
            scores.append(log_loss(labels[test], fitted.predict_proba(x[test])[:, 1], labels=[0, 1]))
        losses.append(np.mean(scores) if scores else 0.0)
    # Ties, and too few patients for any fold, go to the strongest penalty but one.
    best = int(np.argmin(losses)) if folds else min(1, len(strengths) - 1)
    fitted = LogisticRegression(C=strengths[best], max_iter=5000).fit(x, labels)
    return Linear(weight=fitted.coef_[0].astype(np.float64), bias=float(fitted.intercept_[0]))


def inner_folds(labels: np.ndarray, patients: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and test rows of up to five folds of patients, stratified; none where a class has a single patient."""
    from sklearn.model_selection import StratifiedGroupKFold

    fewest = min(len(np.unique(patients[labels == value])) for value in (0, 1))
    if fewest < 2:
        return []
    splitter = StratifiedGroupKFold(n_splits=min(5, fewest), shuffle=True, random_state=seed)
    pairs = splitter.split(labels, labels, patients)
    return [(train, test) for train, test in pairs if len(np.unique(labels[train])) == 2]
