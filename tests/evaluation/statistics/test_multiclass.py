"""Metrics of several classes against scikit-learn, weighted and not; and what a draw without a class gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    log_loss,
    recall_score,
    roc_auc_score,
)

from grade_tables import K, drawn_grades
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


def test_confusion_matrices_equal_sklearn():
    label, classes, weights = drawn_grades()
    called = called_class(classes)
    ours = confusion_draws(label, called, weights, classes=K)
    expected = [confusion_matrix(label, called, labels=range(K), sample_weight=weight) for weight in weights]
    np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize(
    ("ours", "oracle"),
    [
        (lambda c, _: accuracy_draws(c), accuracy_score),
        (balanced_accuracy_draws, balanced_accuracy_score),
        (macro_f1_draws, lambda y, p, sample_weight: f1_score(y, p, average="macro", sample_weight=sample_weight)),
        (
            lambda c, _: recall_draws(c),
            lambda y, p, sample_weight: recall_score(y, p, average=None, sample_weight=sample_weight),
        ),
    ],
)
def test_metrics_of_calls_equal_sklearn(ours, oracle):
    label, classes, weights = drawn_grades()
    called = called_class(classes)
    values = ours(confusion_draws(label, called, weights, classes=K), present_classes(label, K))
    expected = [oracle(label, called, sample_weight=weight) for weight in weights]
    np.testing.assert_allclose(values, expected, atol=1e-12)


def test_metrics_of_probabilities_equal_sklearn():
    label, classes, weights = drawn_grades()
    # scikit-learn takes no weights for the one-against-rest AUROC of several classes: repeat the rows.
    drawn = [np.repeat(np.arange(len(label)), weight) for weight in weights]
    expected = {
        macro_auroc_draws: [roc_auc_score(label[r], classes[r], multi_class="ovr") for r in drawn],
        multiclass_brier_draws: [brier_score_loss(label, classes, sample_weight=w) for w in weights],
        log_loss_draws: [log_loss(label, classes, sample_weight=w) for w in weights],
    }
    for ours, values in expected.items():
        np.testing.assert_allclose(ours(label, classes, weights), values, atol=1e-9)


def test_three_rows_by_hand():
    label = np.array([0, 1, 2])
    classes = np.array([[0.6, 0.3, 0.1], [0.5, 0.3, 0.2], [0.2, 0.2, 0.6]])
    whole = np.ones((1, 3))
    confusion = confusion_draws(label, called_class(classes), whole, classes=3)
    assert confusion[0].tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert recall_draws(confusion)[0].tolist() == [1, 0, 1]
    assert accuracy_draws(confusion)[0] == pytest.approx(2 / 3)
    assert macro_f1_draws(confusion, present_classes(label, 3))[0] == pytest.approx((2 / 3 + 0 + 1) / 3)
    # class 0: 0.6 beats 0.5 and 0.2; class 1: 0.3 ties 0.3 and beats 0.2; class 2: 0.6 beats both.
    assert macro_auroc_draws(label, classes, whole)[0] == pytest.approx((1 + 0.75 + 1) / 3)
    assert multiclass_brier_draws(label, classes, whole)[0] == pytest.approx((0.26 + 0.78 + 0.24) / 3)
    assert log_loss_draws(label, classes, whole)[0] == pytest.approx(-np.log([0.6, 0.3, 0.6]).mean())


def test_equal_probabilities_call_the_lowest_class_and_a_zero_costs_a_finite_loss():
    assert called_class(np.array([[0.4, 0.4, 0.2], [0.0, 0.5, 0.5]])).tolist() == [0, 1]
    loss = log_loss_draws(np.array([2]), np.array([[0.5, 0.5, 0.0]]), np.ones((1, 1)))
    assert loss[0] == pytest.approx(-np.log(1e-6))


def test_a_class_that_no_row_has_enters_no_average():
    label, classes, weights = drawn_grades()
    keep = label != 3
    label, classes, weights = label[keep], classes[keep], weights[:, keep]
    present = present_classes(label, K)
    confusion = confusion_draws(label, called_class(classes), weights, classes=K)
    assert present.tolist() == [True, True, True, False, True]
    assert np.isnan(recall_draws(confusion)[:, 3]).all()
    expected = np.nanmean(recall_draws(confusion), axis=1)
    np.testing.assert_allclose(balanced_accuracy_draws(confusion, present), expected)
    assert np.isfinite(macro_f1_draws(confusion, present)).all()
    assert np.isfinite(macro_auroc_draws(label, classes, weights)).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=20))
def test_a_draw_that_lost_a_class_is_nan_in_every_macro_average(rows):
    label, called, weight = (np.array(column) for column in zip(*rows, strict=True))
    classes = np.eye(3)[called]
    confusion = confusion_draws(label, called, weight[None], classes=3)
    present = present_classes(label, 3)
    lost = any(weight[label == k].sum() == 0 for k in np.unique(label))
    alone = len(np.unique(label)) == 1
    assert confusion.sum() == weight.sum()
    assert np.isnan(balanced_accuracy_draws(confusion, present)[0]) == lost
    assert np.isnan(macro_f1_draws(confusion, present)[0]) == lost
    assert np.isnan(macro_auroc_draws(label, classes, weight[None])[0]) == (lost or alone)
    assert np.isnan(accuracy_draws(confusion)[0]) == (weight.sum() == 0)


def test_no_rows_give_nan_and_no_warning():
    label, classes, weights = np.zeros(0, dtype=np.int8), np.zeros((0, 3)), np.zeros((4, 0))
    confusion = confusion_draws(label, called_class(classes), weights, classes=3)
    assert confusion.shape == (4, 3, 3)
    present = present_classes(label, 3)
    for values in (
        accuracy_draws(confusion),
        balanced_accuracy_draws(confusion, present),
        macro_f1_draws(confusion, present),
        macro_auroc_draws(label, classes, weights),
        log_loss_draws(label, classes, weights),
    ):
        assert np.isnan(values).all()
