"""Logistic regression on raw columns: what is missing, what lies beyond the training rows, what is stored."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from semeia.data.fingerprint import Fingerprint
from semeia.errors import InputError
from semeia.learning.linear import FILE, LinearModel, fit_logistic_regression, load_linear
from semeia.learning.probe import STRENGTHS


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(50, 10, 200), rng.poisson(1, 200), rng.normal(0, 1e-3, 200), np.ones(200)])
    labels = (rng.random(200) < 1 / (1 + np.exp(-(x[:, 0] - 50) / 5))).astype(int)
    x[rng.random(x.shape) < 0.1] = np.nan
    x[:, 3] = 1.0
    return x, labels


def fitted(x: np.ndarray, labels: np.ndarray) -> LinearModel:
    names = tuple("abcd")
    return fit_logistic_regression(x, labels, np.arange(len(x)), columns=names, fitted_on=Fingerprint(("m",)), seed=0)


def test_it_is_sklearns_on_filled_and_standardised_columns(data: tuple[np.ndarray, np.ndarray]):
    x, labels = data
    filled = np.where(np.isnan(x), np.nanmean(x, axis=0), x)[:, :3]
    z = (filled - filled.mean(axis=0)) / filled.std(axis=0)
    model = fitted(x, labels)
    candidates = [LogisticRegression(C=strength, max_iter=5000).fit(z, labels) for strength in STRENGTHS]
    distance = [np.abs(one.predict_proba(z)[:, 1] - model.score_columns(x)).max() for one in candidates]
    assert min(distance) < 1e-9

    losses = []
    for strength in STRENGTHS:
        loss = []
        for train, test in StratifiedGroupKFold(5, shuffle=True, random_state=0).split(z, labels, np.arange(200)):
            p = LogisticRegression(C=strength, max_iter=5000).fit(z[train], labels[train]).predict_proba(z[test])[:, 1]
            loss.append(-np.mean(np.log(np.where(labels[test] == 1, p, 1 - p))))
        losses.append(np.mean(loss))
    assert int(np.argmin(distance)) == int(np.argmin(losses))


def test_nothing_is_carried_beyond_the_training_rows(data: tuple[np.ndarray, np.ndarray]):
    model = fitted(*data)
    low, high = np.nanmin(data[0], axis=0), np.nanmax(data[0], axis=0)
    np.testing.assert_array_equal(model.score_columns(np.array([high + 1e9])), model.score_columns(np.array([high])))
    np.testing.assert_array_equal(model.score_columns(np.array([low - 1e9])), model.score_columns(np.array([low])))
    assert model.weight[3] == 0


def test_a_missing_value_counts_as_the_training_mean(data: tuple[np.ndarray, np.ndarray]):
    model = fitted(*data)
    mean = np.nanmean(data[0], axis=0)
    np.testing.assert_allclose(
        model.score_columns(np.full((1, 4), np.nan)), model.score_columns(mean[None]), atol=1e-12
    )


def test_stored_and_read(data: tuple[np.ndarray, np.ndarray], tmp_path: Path):
    model = fitted(*data)
    model.save(tmp_path)
    again = load_linear(tmp_path / FILE)
    np.testing.assert_array_equal(again.score_columns(data[0]), model.score_columns(data[0]))
    assert (again.columns, again.fitted_on) == (model.columns, Fingerprint(("m",)))
    np.testing.assert_array_equal(again.bias, model.bias)
    (tmp_path / FILE).write_bytes(b"x" * 20)
    with pytest.raises(InputError):
        load_linear(tmp_path / FILE)


def test_several_classes_are_sklearns_and_come_back_from_the_file(tmp_path: Path):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(150, 3))
    labels = np.argmax(x @ rng.normal(size=(3, 3)) + rng.normal(size=(150, 3)), 1)
    names, whose = tuple("abc"), Fingerprint(("m",))
    model = fit_logistic_regression(
        x, labels, np.arange(150), columns=names, fitted_on=whose, seed=0, classes=3, strengths=(0.5,)
    )
    z = (x - x.mean(0)) / x.std(0)
    expected = LogisticRegression(C=0.5, max_iter=5000).fit(z, labels).predict_proba(z)
    np.testing.assert_allclose(model.score_columns(x), expected, atol=1e-4)
    model.save(tmp_path)
    np.testing.assert_array_equal(load_linear(tmp_path / FILE).score_columns(x), model.score_columns(x))
