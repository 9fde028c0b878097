"""Discrimination against scikit-learn, weighted and not, with ties; and its invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from semeia.errors import InputError
from semeia.evaluation import auprc, auroc, brier
from semeia.evaluation.statistics.discrimination import (
    auroc_draws,
    brier_draws,
    ranked_draws,
    ranking,
    weighted_mean,
)


def auprc_draws(label: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return ranked_draws(ranking(label, score), weights)[1]


ORACLES = [
    (auroc_draws, roc_auc_score),
    (auprc_draws, average_precision_score),
    (brier_draws, brier_score_loss),
]


def tied_data(n: int = 90) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    label = (rng.random(n) < 0.3).astype(np.int8)
    return label, np.round(np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 1), 1)


@pytest.mark.parametrize(("ours", "oracle"), ORACLES)
def test_weighted_forms_equal_sklearn_with_ties(ours, oracle):
    label, score = tied_data()
    weights = np.random.default_rng(2).integers(0, 4, size=(40, len(label)))
    expected = [oracle(label, score, sample_weight=weight) for weight in weights]
    np.testing.assert_allclose(ours(label, score, weights), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("ours", "oracle"), [(auroc, roc_auc_score), (auprc, average_precision_score), (brier, brier_score_loss)]
)
def test_unweighted_forms_equal_sklearn(ours, oracle):
    label, score = tied_data()
    assert ours(label, score) == pytest.approx(oracle(label, score), abs=1e-12)
    assert ours(label.astype(bool), score.astype(np.float32)) == pytest.approx(oracle(label, score), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=30))
def test_auroc_is_the_share_of_pairs_won(rows):
    label, score, weight = (np.array(column) for column in zip(*rows, strict=True))
    won = pairs = 0.0
    for i in np.flatnonzero(label):
        for j in np.flatnonzero(~label):
            pairs += weight[i] * weight[j]
            won += weight[i] * weight[j] * ((score[i] > score[j]) + 0.5 * (score[i] == score[j]))
    value = auroc_draws(label, score / 5, weight[None])[0]
    assert np.isnan(value) if pairs == 0 else value == pytest.approx(won / pairs)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 99)), min_size=2, max_size=30), st.randoms())
def test_auroc_depends_on_ranks_only_and_not_on_row_order(rows, random):
    label, score = (np.array(column) for column in zip(*rows, strict=True))
    if label.all() or not label.any():
        return
    value = auroc(label, score)
    assert auroc(label, np.exp(score / 30)) == pytest.approx(value)
    assert auroc(~label, score) == pytest.approx(1 - value)
    order = np.array(random.sample(range(len(label)), len(label)))
    assert auroc(label[order], score[order]) == pytest.approx(value)


def test_many_draws_go_through_in_blocks():
    label, score = tied_data(300)
    weights = np.random.default_rng(3).integers(0, 3, size=(1001, 300))
    together = auroc_draws(label, score, weights)
    np.testing.assert_array_equal(together[[0, 500, 1000]], auroc_draws(label, score, weights[[0, 500, 1000]]))


@pytest.mark.parametrize("ours", [auroc_draws, auprc_draws])
def test_a_draw_of_one_class_is_nan(ours):
    label, score = np.array([0, 0, 1]), np.array([0.1, 0.4, 0.4])
    values = ours(label, score, np.array([[1, 1, 0], [0, 0, 1], [1, 0, 1]]))
    assert np.isnan(values).tolist() == [True, True, False]
    assert np.isnan(weighted_mean(score, np.array([[0, 0, 0]])))[0]


@pytest.mark.parametrize("ours", [auroc, auprc])
def test_one_class_is_refused_in_words(ours):
    with pytest.raises(InputError, match="both classes"):
        ours(np.zeros(3), np.array([0.1, 0.2, 0.3]))
