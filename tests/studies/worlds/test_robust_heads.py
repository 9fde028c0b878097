"""Heads that read home patients alone: each against what defines it."""

import numpy as np
import pytest
from scipy.special import expit

from semeia.evaluation.statistics.discrimination import auroc
from semeia.studies.worlds.robust_heads import (
    anchored_head,
    dropout_head,
    invariant_head,
    ridge_head,
    stressed_head,
)


@pytest.fixture(scope="module")
def home():
    """400 patients: a cause in the image, clearer in the record, which also follows the label, further at site 1."""
    rng = np.random.default_rng(0)
    cause = rng.standard_normal(400)
    label = (rng.random(400) < expit(2 * cause)).astype(int)
    site = np.arange(400) % 2
    image, record = rng.standard_normal((2, 400, 3))
    image[:, 0] += cause
    record[:, 0] = cause + 0.3 * record[:, 0]
    record[:, 1] += (0.5 + site) * label
    return image, record, label, site


def test_an_anchored_head_is_drawn_to_its_anchor(home):
    image, record, label, _ = home
    held, free = (anchored_head(image[:, 0], record, label, penalty=penalty) for penalty in (1e9, 0.0))

    away = held(image[:, 0], record) - image[:, 0]
    np.testing.assert_allclose(away, away[0], atol=1e-5)
    # The gradient of the log-likelihood vanishes where nothing is penalised.
    rest = label - expit(free(image[:, 0], record))
    np.testing.assert_allclose(np.append(rest @ record, rest.sum()), 0, atol=1e-3)


@pytest.mark.parametrize("fit", [dropout_head, stressed_head])
def test_a_head_that_meets_other_records_leans_on_them_less(home, fit):
    image, record, label, _ = home
    plain, other = ridge_head(image, record, label=label), fit(image, record, label)

    def share(head):
        """How far the image moves log-odds, as a share of both."""
        moves = [head(image, 0 * record).std(), head(0 * image, record).std()]
        return moves[0] / sum(moves)

    assert share(other) > share(plain) + 0.05
    assert auroc(label, other(image, record)) > 0.7


def test_heads_that_suit_both_sites_have_losses_nearer_to_each_other_than_the_mean_loss_alone(home):
    image, record, label, site = home
    x = np.column_stack([image, record])

    def risks(variance):
        score = invariant_head(x, label, site, variance=variance)(image, record)
        losses = np.logaddexp(0, score) - label * score
        return np.array([losses[site == one].mean() for one in (0, 1)])

    mean, alike, worst = risks(0.0), risks(100.0), risks(None)
    assert np.ptp(alike) < 0.5 * np.ptp(mean)
    assert worst.max() <= mean.max() + 1e-6
    assert mean.mean() <= min(alike.mean(), worst.mean()) + 1e-6
