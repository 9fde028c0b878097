"""InfoNCE by hand; no empty place of the queue counts, evaluation does not write."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from semeia.objectives.moco import MoCo, MoCoSettings, info_nce
from semeia.objectives.step import Step
from semeia.objectives.views import two_views, vectors
from small_batches import small_batch, small_encoder, with_second_view

STEP = Step(index=1, total=10, seed=0)


def objective(queue: int = 16) -> MoCo:
    torch.manual_seed(0)
    return MoCo(
        small_encoder(modalities=("image",)), settings=MoCoSettings(queue=queue, hidden=16, dim=8), modality="image"
    )


def keys_of(made: MoCo, seed: int) -> torch.Tensor:
    views = two_views(with_second_view(small_batch(seed=seed)), "image")
    assert views is not None
    with torch.no_grad():
        return F.normalize(made.momentum_head(vectors(made.momentum_encoder, views[1], "image")), dim=1)


def by_hand(query: torch.Tensor, key: torch.Tensor, negatives: torch.Tensor, temperature: float) -> float:
    """Eq. 1 of the paper, one query at a time."""
    losses = []
    for q, k in zip(query.double().numpy(), key.double().numpy(), strict=True):
        good = np.exp(q @ k / temperature)
        losses.append(-np.log(good / (good + sum(np.exp(q @ n / temperature) for n in negatives.double().numpy()))))
    return float(np.mean(losses))


@pytest.mark.parametrize("negatives", [0, 1, 9])
def test_info_nce_is_the_definition(negatives: int):
    rows = F.normalize(torch.randn(8 + negatives, 5, generator=torch.Generator().manual_seed(0)), dim=1)
    query, key, others = rows[:4], rows[4:8], rows[8:]
    loss = info_nce(query, key, others, temperature=0.2)
    assert float(loss) == pytest.approx(by_hand(query, key, others, 0.2), rel=1e-5, abs=1e-7)


def test_the_loss_compares_with_the_keys_of_earlier_batches_and_nothing_else():
    made = objective()
    assert float(made.loss(with_second_view(small_batch(seed=1)), STEP)["contrast"].detach()) == 0
    earlier = keys_of(made, 1)
    batch = with_second_view(small_batch(seed=2))
    views = two_views(batch, "image")
    assert views is not None
    query = F.normalize(made.head(vectors(made.encoder, views[0], "image")), dim=1).detach()
    loss = made.loss(batch, STEP)["contrast"].detach()
    assert float(loss) == pytest.approx(by_hand(query, keys_of(made, 2), earlier, 0.2), rel=1e-4)


def test_a_key_is_a_function_of_its_own_image():
    made = objective()
    made.momentum_encoder.add_module("norm", torch.nn.BatchNorm1d(3))
    assert not made.train().momentum_encoder.norm.training
    assert made.encoder.training


def test_evaluation_writes_nothing():
    made = objective().eval()
    made.loss(with_second_view(small_batch()), STEP)
    assert int(made.queue.written) == 0
