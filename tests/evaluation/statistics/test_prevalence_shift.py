"""Metrics at another prevalence: the same as on a sample that has it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, precision_score, roc_auc_score

from prediction_tables import predictions
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.judged import judge
from semeia.evaluation.statistics.discrimination import auroc_draws
from semeia.evaluation.statistics.operating_point import SHIFTED, at_prevalence, class_means


@pytest.fixture(scope="module")
def fold():
    place = judge(predictions(), settings=EvaluationSettings(draws=100, covariate="diameter_mm")).places[1]
    return next(iter(place.full.values()))[0]


def at(fold, prevalence, weights=None):
    weights = np.ones((1, len(fold.label))) if weights is None else weights
    auroc = auroc_draws(fold.label, fold.score, weights)
    return dict(zip(SHIFTED, at_prevalence(auroc, class_means(fold, weights), prevalence)[0], strict=True))


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 5))
def test_as_if_each_class_came_more_often(fold, times_positive, times_negative):
    times = np.where(fold.label == 1, times_positive, times_negative)
    label, score, called = (np.repeat(value, times) for value in (fold.label, fold.score, fold.called))
    found = at(fold, float(label.mean()))
    assert found["auroc"] == pytest.approx(roc_auc_score(fold.label, fold.score))
    assert found["brier"] == pytest.approx(brier_score_loss(label, score))
    assert found["o_e"] == pytest.approx(label.mean() / score.mean())
    assert found["ppv"] == pytest.approx(precision_score(label, called))
    assert found["npv"] == pytest.approx(precision_score(1 - label, 1 - called))


def test_draws_of_one_class_are_undefined(fold):
    weights = (fold.label == 1).astype(np.float64)[None]
    found = at(fold, 0.3, weights)
    assert np.isnan([found["auroc"], found["brier"], found["o_e"]]).all()
