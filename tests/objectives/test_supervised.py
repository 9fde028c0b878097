"""The head standardises and stays silent about what is missing; modality dropout leaves everyone something."""

from dataclasses import replace

import pytest
import torch

from semeia.errors import InputError
from semeia.objectives.heads.pooled import PooledHead
from semeia.objectives.step import Step
from semeia.objectives.supervised import Supervised, SupervisedSettings
from small_batches import rows, small_batch, small_encoder

STEP = Step(index=1, total=10, seed=0)


def objective(**settings: float) -> Supervised:
    made = Supervised(small_encoder(), settings=SupervisedSettings(**settings))
    torch.nn.init.normal_(made.head.linear.weight, generator=torch.Generator().manual_seed(0))
    return made.eval()


@torch.no_grad()
def test_the_loss_is_binary_cross_entropy():
    made, batch = objective(), small_batch()
    probability = made.logits(batch)[:, 0].sigmoid().double()
    labels = torch.arange(6) % 2
    chosen = torch.where(labels == 1, probability, 1 - probability)
    assert float(made.loss(batch, STEP)["cross_entropy"]) == pytest.approx(float(-chosen.log().mean()), rel=1e-5)
    with pytest.raises(InputError, match="carries no labels"):
        made.loss(replace(batch, labels=None), STEP)


@torch.no_grad()
def test_a_new_head_says_one_half():
    made = Supervised(small_encoder(), settings=SupervisedSettings())
    assert not made.logits(small_batch()).any()


@torch.no_grad()
def test_standardising_uses_those_that_have_the_modality():
    head = PooledHead(2, 5)
    pooled = torch.randn(9, 2, 5, generator=torch.Generator().manual_seed(0)) * 3 + 2
    there = torch.ones(9, 2, dtype=torch.bool)
    there[:4, 1] = False
    head.standardise_by(torch.where(there[..., None], pooled, 1e6), there)
    torch.testing.assert_close(head.mean[1], pooled[4:, 1].mean(0))
    torch.testing.assert_close(head.sd[0], pooled[:, 0].std(0, correction=0))
    features = head.features(pooled, there).unflatten(1, (2, 5))
    assert not features[:4, 1].any()
    torch.testing.assert_close(features[:, 0].mean(0), torch.zeros(5), atol=1e-5, rtol=0.0)
    constant = PooledHead(1, 2)
    constant.standardise_by(torch.ones(3, 1, 2), torch.ones(3, 1, dtype=torch.bool))
    assert constant.features(torch.ones(3, 1, 2), torch.ones(3, 1, dtype=torch.bool)).isfinite().all()


def test_modality_dropout_hides_at_its_rate_and_never_the_last():
    made = objective(modality_dropout=0.4).train()
    batch = rows(small_batch(gaps=False), [0] * 400)
    there = made._dropped(batch, STEP).observed()
    assert there.any(1).all()
    # Each stays with 0.6, or is kept as the last of two that both would go (0.16, shared).
    assert there.float().mean(0).tolist() == pytest.approx([0.68, 0.68], abs=0.06)
    partial = made._dropped(small_batch(), STEP).observed()
    assert not (partial & ~small_batch().observed()).any()
    assert partial.any(1).all()


@torch.no_grad()
def test_evaluation_hides_nothing():
    made = objective(modality_dropout=0.9, dropout=0.9)
    losses = {float(made.loss(small_batch(), replace(STEP, index=index))["cross_entropy"]) for index in range(4)}
    assert len(losses) == 1
