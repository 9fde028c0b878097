"""Fixed points against scikit-learn's ROC curve, with every draw's rows written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from semeia.evaluation.fixed_points import sensitivity_at_specificity, specificity_at_sensitivity

TARGETS = (0.5, 0.75, 0.9, 0.95, 1.0)


def _by_curve(label: np.ndarray, score: np.ndarray, weight: np.ndarray, target: float) -> tuple[float, float]:
    rows = np.repeat(np.arange(len(label)), weight)
    if not 0 < label[rows].sum() < len(rows):
        return np.nan, np.nan
    false, true, _ = roc_curve(label[rows], score[rows], drop_intermediate=False)
    return true[1 - false >= target - 1e-9].max(), (1 - false)[true >= target - 1e-9].max()


@given(st.integers(0, 10_000))
def test_equals_the_best_point_of_the_curve_of_each_draw(seed: int):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, 25)
    score = rng.integers(0, 8, 25) + 2.0 * label
    weights = np.vstack([np.ones(25, dtype=int), rng.integers(0, 3, (6, 25)), label, 1 - label])
    sensitivity = sensitivity_at_specificity(label, score, weights, specificities=TARGETS)
    specificity = specificity_at_sensitivity(label, score, weights, sensitivities=TARGETS)
    for column, target in enumerate(TARGETS):
        expected = np.array([_by_curve(label, score, weight, target) for weight in weights])
        found = np.column_stack([sensitivity[:, column], specificity[:, column]])
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_nine_of_ten_is_enough_for_nine_tenths():
    label = np.repeat([0, 1], 10)
    score = np.concatenate([np.arange(10), np.arange(10) + 8.5])
    weights = np.ones((1, 20))
    assert sensitivity_at_specificity(label, score, weights, specificities=(0.9,)) == pytest.approx(np.array([[1.0]]))
    assert specificity_at_sensitivity(label, score, weights, sensitivities=(0.9,)) == pytest.approx(np.array([[1.0]]))
    assert sensitivity_at_specificity(label, score, weights, specificities=(0.95,)) == pytest.approx(np.array([[0.9]]))


def test_one_class_is_undefined():
    assert np.isnan(sensitivity_at_specificity(np.ones(3), np.arange(3.0), np.ones((2, 3)), specificities=(0.9,))).all()
    assert np.isnan(specificity_at_sensitivity(np.ones(3), np.arange(3.0), np.ones((2, 3)), sensitivities=(0.9,))).all()
