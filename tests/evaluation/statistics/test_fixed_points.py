"""Fixed points against scikit-learn's ROC curve, with every draw's rows written out."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from semeia.evaluation.statistics.discrimination import ranking
from semeia.evaluation.statistics.operating_point import fixed_points

TARGETS = (0.5, 0.75, 0.9, 0.95, 1.0)


def _by_curve(label: np.ndarray, score: np.ndarray, weight: np.ndarray, target: float) -> tuple[float, float]:
    rows = np.repeat(np.arange(len(label)), weight)
    if not 0 < label[rows].sum() < len(rows):
        return np.nan, np.nan
    false, true, _ = roc_curve(label[rows], score[rows], drop_intermediate=False)
    return true[1 - false >= target - 1e-9].max(), (1 - false)[true >= target - 1e-9].max()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_equals_the_best_point_of_the_curve_of_each_draw(seed: int):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, 25)
    score = rng.integers(0, 8, 25) + 2.0 * label
    weights = np.vstack([np.ones(25, dtype=int), rng.integers(0, 3, (6, 25)), label, 1 - label])
    sensitivity, specificity = fixed_points(ranking(label, score), weights, points=TARGETS)
    for column, target in enumerate(TARGETS):
        expected = np.array([_by_curve(label, score, weight, target) for weight in weights])
        found = np.column_stack([sensitivity[:, column], specificity[:, column]])
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_nine_of_ten_is_enough_for_nine_tenths():
    label = np.repeat([0, 1], 10)
    score = np.concatenate([np.arange(10), np.arange(10) + 8.5])
    sensitivity, specificity = fixed_points(ranking(label, score), np.ones((1, 20), dtype=int), points=(0.9, 0.95))
    np.testing.assert_allclose(sensitivity, [[1.0, 0.9]])
    np.testing.assert_allclose(specificity, [[1.0, 0.9]])


def test_one_class_is_undefined():
    for label in (np.ones(3), np.zeros(3)):
        for values in fixed_points(ranking(label, np.arange(3.0)), np.ones((2, 3), dtype=int), points=(0.9,)):
            assert np.isnan(values).all()
