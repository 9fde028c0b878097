"""Thresholds against brute force: the highest score that reaches the sensitivity asked for; Youden's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semeia.evaluation.statistics.operating_point import (
    call_draws,
    threshold_at_sensitivity,
    threshold_by_youden,
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=2, max_size=40),
    st.sampled_from([0.5, 0.8, 0.9, 1.0]),
)
def test_thresholds_by_brute_force(rows, target):
    label, score = (np.array(column) for column in zip(*rows, strict=True))
    if label.all() or not label.any():
        return
    score = score / 10
    rates = {t: ((score >= t)[label].mean(), (score < t)[~label].mean()) for t in np.unique(score)}
    reached = max(t for t, (sensitivity, _) in rates.items() if sensitivity >= target - 1e-12)
    assert threshold_at_sensitivity(label, score, target=target) == reached
    best = max(sum(pair) for pair in rates.values())
    assert sum(rates[threshold_by_youden(label, score)]) == pytest.approx(best)


def test_nine_of_ten_is_ninety_percent():
    label, score = np.ones(10), np.arange(10) / 10
    assert threshold_at_sensitivity(label, score, target=0.9) == 0.1


def test_calls_of_draws_are_shares_of_their_classes():
    rng = np.random.default_rng(0)
    label, called = rng.integers(0, 2, 30), rng.integers(0, 2, 30).astype(np.float64)
    weights = np.vstack([rng.integers(0, 3, (5, 30)), label, 1 - label])
    sensitivity, specificity = call_draws(label, called, weights)
    for draw, weight in enumerate(weights[:5]):
        assert sensitivity[draw] == pytest.approx(np.average(called[label == 1], weights=weight[label == 1]))
        assert specificity[draw] == pytest.approx(np.average(1 - called[label == 0], weights=weight[label == 0]))
    assert np.isnan([sensitivity[6], specificity[5]]).all()


def test_an_unknown_call_makes_its_own_class_unknown():
    label, called = np.array([1, 1, 0, 0]), np.array([1.0, 0.0, np.nan, 0.0])
    sensitivity, specificity = call_draws(label, called, np.ones((1, 4)))
    assert sensitivity.tolist() == [0.5]
    assert np.isnan(specificity).all()
