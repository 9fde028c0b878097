"""The head after probing says what the fitted regression says; ordered classes against statsmodels."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from semeia.learning.probe import fit_outputs
from semeia.learning.probe_head import fit_ordinal, set_probe
from semeia.objectives.heads.pooled import PooledHead
from semeia.objectives.task import Task

RNG = np.random.default_rng(0)
X = RNG.standard_normal((240, 4))
SCORE = X @ np.array([1.5, -1.0, 0.5, 0.0]) + RNG.logistic(size=240)
GRADES = np.digitize(SCORE, [-1.0, 0.5, 2.0]).astype(float)
PATIENTS = np.repeat(np.arange(120), 2)
EVERYWHERE = torch.ones(240, 1, dtype=torch.bool)
POOLED = torch.from_numpy(X).float()[:, None]


@pytest.mark.parametrize("kind", ["nominal", "ordinal"])
def test_a_probed_head_tells_the_grades(kind: str):
    head = PooledHead(1, 4, task=Task(kind, 4))
    head.standardise_by(POOLED, EVERYWHERE)
    set_probe(head, POOLED, EVERYWHERE, GRADES, PATIENTS, 0)
    with torch.no_grad():
        chances = head.task.probabilities(head(POOLED, EVERYWHERE))
    expected = (chances * torch.arange(4)).sum(1).numpy()
    assert np.corrcoef(expected, GRADES)[0, 1] > 0.6
    assert (chances.argmax(1).numpy() == GRADES).mean() > 0.5


def test_several_classes_are_fitted_as_scikit_learn_does():
    fitted = fit_outputs(X, GRADES, PATIENTS, classes=4, seed=0, strengths=(0.5,))
    oracle = LogisticRegression(C=0.5, max_iter=5000).fit(X, GRADES)
    logits = X @ fitted.weight.T + fitted.bias
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(chances, oracle.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("kept", [(0, 2), (0, 1, 3)])
def test_a_class_without_a_unit_gets_no_chance(kept: tuple[int, ...]):
    rows = np.isin(GRADES, kept)
    fitted = fit_outputs(X[rows], GRADES[rows], PATIENTS[rows], classes=4, seed=0)
    logits = X @ fitted.weight.T + fitted.bias
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    missing = [grade for grade in range(4) if grade not in kept]
    assert chances[:, missing].max() < 1e-6
    oracle = LogisticRegression(C=1e-2, max_iter=5000).fit(X[rows], GRADES[rows])
    assert np.corrcoef(chances[:, kept[0]], oracle.predict_proba(X)[:, 0])[0, 1] > 0.95


def test_without_penalty_two_ordered_classes_are_logistic_regression():
    y = (GRADES > 1).astype(float)
    weight, bias, _ = fit_ordinal(torch.from_numpy(X), torch.from_numpy(y), Task("ordinal", 2), 0.3)
    oracle = LogisticRegression(C=0.3, tol=1e-8, max_iter=5000).fit(X, y)
    np.testing.assert_allclose(weight.numpy(), oracle.coef_[0], atol=1e-4)
    np.testing.assert_allclose(bias.numpy(), oracle.intercept_, atol=1e-4)
