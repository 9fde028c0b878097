"""Dempster's rule over every pair of hypotheses; what is sure of nothing changes nothing; the loss by its formula."""

import numpy as np
import pytest
import torch
from scipy.special import digamma, gammaln
from torch.nn import functional as F

from semeia.objectives.heads.evidence import dirichlet, evidential_loss, joined

CLASSES = 3


def drawn(seed: int) -> torch.Tensor:
    return 1 + 4 * torch.rand(5, CLASSES, generator=torch.Generator().manual_seed(seed)).double()


def by_hand(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Masses of single classes and of all of them ("do not know"), multiplied pair by pair, conflict thrown away."""
    masses = [np.append((alpha - 1) / alpha.sum(), CLASSES / alpha.sum()) for alpha in (one, other)]
    result = np.zeros(CLASSES + 1)
    for i, first in enumerate(masses[0]):
        for j, second in enumerate(masses[1]):
            if i == j or CLASSES in (i, j):
                result[min(i, j)] += first * second
    result /= result.sum()
    return 1 + result[:-1] * CLASSES / result[-1]


def test_two_heads_are_joined_by_dempster_s_rule_and_three_in_turn():
    one, other, third = drawn(0), drawn(1), drawn(2)
    for row in range(5):
        both = by_hand(one[row].numpy(), other[row].numpy())
        np.testing.assert_allclose(joined([one, other])[row], both)
        np.testing.assert_allclose(joined([one, other, third])[row], by_hand(both, third[row].numpy()))


def test_a_head_without_evidence_changes_nothing_and_two_that_agree_are_surer():
    one = drawn(0)
    torch.testing.assert_close(joined([one, torch.ones_like(one)]), one)
    assert (joined([one, one]).sum(1) > one.sum(1)).all()


def test_one_logit_is_evidence_for_either_class():
    logits = torch.tensor([[-2.0], [3.0]])
    torch.testing.assert_close(dirichlet(logits), 1 + F.softplus(torch.tensor([[2.0, -2.0], [-3.0, 3.0]])))


@pytest.mark.parametrize("doubt", [0.0, 0.7])
def test_the_loss_is_the_expected_cross_entropy_and_the_divergence_of_misleading_evidence(doubt: float):
    alpha, labels = drawn(3), torch.tensor([0.0, 1.0, 2.0, 1.0, 0.0])
    losses = []
    for a, label in zip(alpha.numpy(), labels.int().tolist(), strict=True):
        wrong = np.where(np.arange(CLASSES) == label, 1.0, a)
        away = gammaln(wrong.sum()) - gammaln(wrong).sum() - gammaln(CLASSES)
        away += ((wrong - 1) * (digamma(wrong) - digamma(wrong.sum()))).sum()
        losses.append(digamma(a.sum()) - digamma(a[label]) + doubt * away)
    assert float(evidential_loss(alpha, labels, doubt=doubt)) == pytest.approx(np.mean(losses))
