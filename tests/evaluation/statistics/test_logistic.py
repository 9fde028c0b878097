"""Logistic fits against statsmodels and scikit-learn; what has no maximum gives NaN."""

import numpy as np
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression

from semeia.evaluation.statistics.logistic import fit_logistic, fit_logistic_draws


def data(n: int = 150) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 2))
    label = (rng.random(n) < 1 / (1 + np.exp(0.5 - x @ [1.0, -0.7]))).astype(np.int8)
    return np.column_stack([np.ones(n), x]), label


def test_a_fit_equals_statsmodels():
    features, label = data()
    expected = sm.GLM(label, features, family=sm.families.Binomial()).fit().params
    np.testing.assert_allclose(fit_logistic(features, label), expected, atol=1e-8)


def test_an_offset_enters_with_coefficient_one():
    features, label = data()
    model = sm.GLM(label, features[:, :2], family=sm.families.Binomial(), offset=features[:, 2])
    ours = fit_logistic(features[:, :2], label, offset=features[:, 2])
    np.testing.assert_allclose(ours, model.fit().params, atol=1e-8)


def test_a_ridge_equals_sklearn():
    features, label = data(40)
    model = LogisticRegression(C=1.0, tol=1e-10).fit(features[:, 1:], label)
    ours = fit_logistic(features, label, penalty=np.array([0.0, 1.0, 1.0]))
    np.testing.assert_allclose(ours, np.append(model.intercept_, model.coef_[0]), atol=1e-5)


def test_a_weight_counts_a_row_so_often():
    features, label = data(60)
    weight = np.random.default_rng(2).integers(0, 4, 60)
    rows = np.repeat(np.arange(60), weight)
    ours = fit_logistic(features, label, weight=weight.astype(np.float64))
    np.testing.assert_allclose(ours, fit_logistic(features[rows], label[rows]), atol=1e-8)


def test_draws_equal_weighted_fits():
    features, label = data()
    weights = np.random.default_rng(1).integers(0, 3, size=(400, len(label)))
    draws = fit_logistic_draws(features[:, :2], label, weights)
    for number in (0, 17, 399):
        model = sm.GLM(label, features[:, :2], family=sm.families.Binomial(), freq_weights=weights[number])
        np.testing.assert_allclose(draws[number], model.fit().params, atol=1e-4)


def test_what_has_no_maximum_is_nan():
    x = np.column_stack([np.ones(6), [-2.0, -1.5, -1.0, 1.0, 1.2, 2.0]])
    separated, mixed = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 0, 1, 0, 1])
    assert np.isnan(fit_logistic(x, separated)).all()
    assert np.isnan(fit_logistic(x, np.ones(6))).all()
    assert np.isnan(fit_logistic(np.ones((6, 2)), mixed)).all()
    weights = np.array([[1, 1, 1, 1, 1, 1], [1, 0, 1, 1, 0, 1], [0, 1, 0, 1, 0, 1]])
    assert np.isnan(fit_logistic_draws(x, mixed, weights)).all(axis=1).tolist() == [False, True, True]
