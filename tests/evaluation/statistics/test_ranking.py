"""Ranked rows: a part of them, in counts as in fractions, gives what scikit-learn does."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from semeia.evaluation.statistics.discrimination import ranked_draws, ranked_sums, ranking


@pytest.mark.parametrize("kind", [np.int16, np.float64])
@pytest.mark.parametrize("decimals", [1, 9])
def test_part_of_the_rows_equals_sklearn_on_them(kind, decimals):
    rng = np.random.default_rng(0)
    label, among = rng.random(120) < 0.3, rng.random(120) < 0.6
    score = np.round(rng.random(120) + 0.2 * label, decimals)
    weights = (4 * rng.random((15, 120))).astype(kind)
    auroc, auprc = ranked_draws(ranking(label, score, among=among), weights)
    part = (label[among], score[among])
    for found, oracle in ((auroc, roc_auc_score), (auprc, average_precision_score)):
        expected = [oracle(*part, sample_weight=weight[among]) for weight in weights]
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_ties_end_where_the_next_score_is_another_and_their_negatives_stand_first():
    ranked = ranking(np.array([1, 0, 1, 0]), np.array([0.5, 0.5, 0.9, 0.1]))
    assert ranked.order.tolist() == [2, 1, 0, 3]
    assert ranked.positive.tolist() == [True, False, True, False]
    assert ranked.last.tolist() == [True, False, True, True]


def test_sums_are_counts_of_positives_negatives_and_pairs():
    ranked = ranking(np.array([1, 0, 1, 0]), np.array([0.5, 0.5, 0.9, 0.1]))
    positives, negatives, won, _ = ranked_sums(ranked, np.array([[1, 1, 1, 1], [2, 1, 0, 3]]))
    assert positives.tolist() == [2, 2]
    assert negatives.tolist() == [2, 4]
    assert won.tolist() == [3.5, 7.0]


def test_no_rows_are_no_ranking_of_anything():
    ranked = ranking(np.array([1, 0]), np.array([0.5, 0.2]), among=np.zeros(2, dtype=bool))
    assert np.isnan(ranked_draws(ranked, np.ones((2, 2)))).all()
