"""Grades in an order: kappa, error in grades and AUROC at every cut, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, mean_absolute_error, roc_auc_score

from grade_tables import K, drawn_grades
from semeia.evaluation.statistics.multiclass import (
    at_least,
    at_least_auroc_draws,
    called_class,
    confusion_draws,
    grade_error_draws,
    quadratic_kappa_draws,
)


@pytest.mark.parametrize(
    ("ours", "oracle"),
    [
        (
            quadratic_kappa_draws,
            lambda y, p, w: cohen_kappa_score(y, p, labels=range(K), weights="quadratic", sample_weight=w),
        ),
        (grade_error_draws, lambda y, p, w: mean_absolute_error(y, p, sample_weight=w)),
    ],
)
def test_metrics_of_called_grades_equal_sklearn(ours, oracle):
    label, classes, weights = drawn_grades()
    called = called_class(classes)
    values = ours(confusion_draws(label, called, weights, classes=K))
    np.testing.assert_allclose(values, [oracle(label, called, w) for w in weights], atol=1e-12)


def test_auroc_at_every_cut_equals_sklearn():
    label, classes, weights = drawn_grades()
    values = at_least_auroc_draws(label, classes, weights)
    assert values.shape == (len(weights), K - 1)
    for cut in range(1, K):
        score = np.round(classes[:, cut:].sum(axis=1), 12)
        expected = [roc_auc_score(label >= cut, score, sample_weight=weight) for weight in weights]
        np.testing.assert_allclose(values[:, cut - 1], expected, atol=1e-12)


def test_kappa_by_hand():
    # six rows of grades 0 to 2: four right, one off by one, one off by two.
    confusion = np.array([[[2.0, 0, 1], [0, 1, 0], [0, 1, 1]]])
    # expected: the margins (3, 1, 2) and (2, 2, 2) give (3*(2+8) + 1*(2+2) + 2*(8+2)) / 6 = 9.
    assert quadratic_kappa_draws(confusion)[0] == pytest.approx(1 - 5 / 9)
    assert grade_error_draws(confusion)[0] == pytest.approx(3 / 6)


def test_constant_calls_agree_by_chance_only_and_one_true_grade_is_nan():
    constant = np.array([[[3.0, 0, 0], [2, 0, 0], [1, 0, 0]]])
    assert quadratic_kappa_draws(constant)[0] == pytest.approx(0)
    one_grade = np.array([[[2.0, 1, 0], [0, 0, 0], [0, 0, 0]], [[0.0, 0, 0], [0, 0, 0], [0, 0, 0]]])
    assert np.isnan(quadratic_kappa_draws(one_grade)).all()
    assert np.isnan(grade_error_draws(one_grade)).tolist() == [False, True]


def test_sums_equal_on_paper_stay_tied():
    classes = np.array([[0.3, 0.1, 0.2, 0.4], [0.3, 0.4, 0.2, 0.1], [0.3, 0.2, 0.4, 0.1]])
    assert len(np.unique(at_least(classes)[:, 0])) == 1
    label = np.array([0, 2, 3])
    assert at_least_auroc_draws(label, classes, np.ones((1, 3)))[0, 0] == 0.5


def test_a_cut_with_one_side_is_nan():
    classes = np.full((3, 3), 1 / 3)
    values = at_least_auroc_draws(np.array([0, 1, 1]), classes, np.ones((1, 3)))
    assert np.isnan(values[0]).tolist() == [False, True]
