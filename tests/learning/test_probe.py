"""The probe is scikit-learn's logistic regression at a strength chosen over patients, never over rows."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import StratifiedGroupKFold

from semeia.errors import InputError
from semeia.learning.probe import STRENGTHS, fit_linear, fit_outputs
from semeia.learning.probe_head import set_probe
from semeia.objectives.heads.pooled import PooledHead
from semeia.objectives.task import BINARY, Task


def table(n: int = 60, features: int = 5, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    patients = np.repeat(np.arange(n // 2), 2)
    labels = (np.arange(n // 2) % 2)[patients].astype(float)
    return rng.normal(size=(n, features)) + labels[:, None] * np.linspace(1, 0, features), labels, patients


def test_one_strength_equals_sklearn():
    x, labels, patients = table()
    fitted = fit_linear(x, labels, patients, seed=0, strengths=(0.3,))
    theirs = LogisticRegression(C=0.3, max_iter=5000).fit(x, labels)
    np.testing.assert_allclose(fitted.weight, theirs.coef_[0])
    assert fitted.bias == pytest.approx(theirs.intercept_[0])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_strength_is_the_one_cross_validation_over_patients_chooses(seed: int):
    x, labels, patients = table(seed=seed)
    fitted = fit_linear(x, labels, patients, seed=seed)
    folds = list(StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(x, labels, patients))
    theirs = LogisticRegressionCV(Cs=np.array(STRENGTHS), cv=folds, scoring="neg_log_loss", max_iter=5000)  # pyright: ignore[reportArgumentType]
    theirs.fit(x, labels)
    np.testing.assert_allclose(fitted.weight, theirs.coef_[0], atol=2e-3)


def test_float32_is_fitted_in_float64():
    """Its rounding may stop the solver short of the optimum, and it says so with a warning."""
    x, labels, patients = table()
    narrow = x.astype(np.float32)
    one, other = (fit_linear(rows, labels, patients, seed=0) for rows in (narrow, narrow.astype(np.float64)))
    np.testing.assert_array_equal(one.weight, other.weight)
    assert one.bias == other.bias


def test_too_few_patients_for_a_fold_take_a_strong_penalty():
    x, labels, _ = table(8)
    patients = np.where(labels == 1, 1, np.arange(8) + 10)
    fitted = fit_linear(x, labels, patients, seed=0)
    theirs = LogisticRegression(C=STRENGTHS[1], max_iter=5000).fit(x, labels)
    np.testing.assert_allclose(fitted.weight, theirs.coef_[0])


def test_one_class_is_refused():
    x, labels, patients = table()
    with pytest.raises(InputError, match="one class"):
        fit_linear(x, np.zeros_like(labels), patients, seed=0)


def test_balanced_classes_are_those_of_sklearn():
    x, labels, patients = table()
    labels = np.where(np.arange(len(labels)) < 10, 2.0, labels)  # a rare third class
    fitted = fit_outputs(x, labels, patients, classes=3, seed=0, strengths=(0.3,), balanced=True)
    theirs = LogisticRegression(C=0.3, max_iter=5000, class_weight="balanced").fit(x, labels)
    np.testing.assert_allclose(fitted.weight, theirs.coef_)
    np.testing.assert_allclose(fitted.bias, theirs.intercept_)


@pytest.mark.parametrize("task", [BINARY, Task("nominal", 3), Task("ordinal", 3)], ids=lambda task: task.kind)
def test_a_probe_of_balanced_classes_calls_the_rare_one_more_often(task: Task):
    x, labels, patients = table(200)
    keep = (labels == 0) | (patients % 10 == 1)
    x, labels, patients = x[keep], labels[keep], patients[keep]
    if task.classes == 3:
        labels = np.where((labels == 1) & (patients % 20 == 1), 2.0, labels)
    pooled, there = torch.from_numpy(x).float()[:, None], torch.ones(len(x), 1, dtype=torch.bool)
    chances = []
    for one in (task, task.balanced(labels)):
        head = PooledHead(1, x.shape[1], task=one)
        set_probe(head, pooled, there, labels, patients, 0)
        with torch.no_grad():
            chances.append(one.probabilities(head(pooled, there))[:, 0].mean())
    assert chances[1] < chances[0] - 0.1
