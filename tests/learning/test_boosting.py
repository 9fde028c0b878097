"""Boosting: what is left out could never be split, and the number of trees follows what there is to learn."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier

from semeia.learning.boosting import LEAST_ROWS, LEAVES, RATE, TREES, can_split, fit_boosting, least_rows


def rare_codes(rng: np.random.Generator, n: int, p: int) -> np.ndarray:
    """Counts that are mostly 0, some of them missing."""
    x = np.where(rng.random((n, p)) < rng.uniform(0, 0.3, p), rng.integers(1, 5, (n, p)), 0).astype(float)
    x[:, ::5] = np.where(rng.random((n, len(x[0, ::5]))) < 0.9, np.nan, x[:, ::5] + rng.random((n, 1)))
    return x


def test_leaving_out_what_cannot_be_split_changes_no_score():
    rng = np.random.default_rng(0)
    x = rare_codes(rng, 150, 60)
    labels = (rng.random(150) < 0.2 + 0.3 * (x[:, 1] > 0)).astype(int)
    fitted = fit_boosting(x, labels, np.arange(150), seed=0)
    assert 0 < fitted.columns.sum() < 60

    whole = HistGradientBoostingClassifier(
        max_iter=fitted.number,
        learning_rate=RATE,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAST_ROWS,
        early_stopping=False,  # pyright: ignore[reportArgumentType]
        random_state=0,
    )
    there = ~np.isnan(x).all(axis=0)
    np.testing.assert_array_equal(fitted.score(x), whole.fit(x[:, there], labels).predict_proba(x[:, there])[:, 1])


@given(st.integers(0, 10_000), st.integers(20, 60))
def test_columns_that_can_be_split_are_those_with_enough_other_values(seed: int, n: int):
    x = rare_codes(np.random.default_rng(seed), n, 7)
    expected = []
    for column in x.T:
        words = [str(value) for value in column]
        expected.append(n - max(words.count(word) for word in words) >= least_rows(n))
    if any(expected):
        assert can_split(x).tolist() == expected


def test_noise_gets_few_trees_and_a_signal_many():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 5))
    noise, signal = rng.integers(0, 2, 400), (x[:, 0] + x[:, 1] > 0).astype(int)
    assert fit_boosting(x, noise, np.arange(400), seed=0).number == TREES[0]
    assert fit_boosting(x, signal, np.arange(400), seed=0).number >= TREES[-2]


def test_columns_without_any_value_are_no_reason_to_stop():
    x = np.column_stack([np.full(40, np.nan), np.full(40, np.nan)])
    labels = np.arange(40) % 2
    np.testing.assert_allclose(fit_boosting(x, labels, np.arange(40), seed=0).score(x), 0.5)


def test_twenty_labels_are_enough_to_follow_a_signal():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(220, 3))
    labels = (x[:, 0] > 0.8).astype(int)
    few = np.concatenate([np.flatnonzero(labels == 1)[:5], np.flatnonzero(labels == 0)[:15]])
    scores = fit_boosting(x[few], labels[few], few, seed=0).score(x)
    assert scores[labels == 1].mean() > scores[labels == 0].mean() + 0.1
