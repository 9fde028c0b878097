"""The loss against eq. 2 by hand; the momentum copy is a target only and moves as the paper says."""

import math

import numpy as np
import pytest
import torch

from semeia.objectives.byol import Byol, ByolSettings, rising
from semeia.objectives.step import Step
from semeia.objectives.views import two_views, vectors
from small_batches import small_batch, small_encoder, with_second_view


def objective(**settings: float) -> Byol:
    torch.manual_seed(0)
    made = Byol(
        small_encoder(modalities=("image",)), settings=ByolSettings(hidden=16, dim=8, **settings), modality="image"
    )
    # Away from the fast network, so that the two can be told apart.
    with torch.no_grad():
        for parameter in made.momentum_encoder.parameters():
            parameter.mul_(1.1)
    return made


@torch.no_grad()
def test_the_loss_is_the_squared_distance_of_unit_vectors_both_ways():
    made, batch = objective().eval(), with_second_view(small_batch(), noise=2.0)
    views = two_views(batch, "image")
    assert views is not None
    guesses = [made.predictor(made.projector(vectors(made.encoder, view, "image"))).double().numpy() for view in views]
    targets = [
        made.momentum_projector(vectors(made.momentum_encoder, view, "image")).double().numpy() for view in views
    ]
    expected = 0.0
    for guess, target in ((guesses[0], targets[1]), (guesses[1], targets[0])):
        for p, z in zip(guess, target, strict=True):
            expected += ((p / np.linalg.norm(p) - z / np.linalg.norm(z)) ** 2).sum() / len(guess)
    loss = made.loss(batch, Step(index=0, total=5, seed=0))["agreement"]
    assert float(loss) == pytest.approx(expected, rel=1e-4)


def test_the_momentum_rises_along_a_cosine_to_one():
    assert rising(0.9, 0.0) == pytest.approx(0.9)
    assert rising(0.9, 1.0) == 1
    assert rising(0.9, 0.25) == pytest.approx(1 - 0.1 * (math.sqrt(0.5) + 1) / 2)


def test_after_a_step_the_slow_copy_has_moved_by_that_momentum():
    made = objective(momentum=0.5)
    before = [parameter.clone() for parameter in made.momentum_encoder.parameters()]
    made.after_step(Step(index=1, total=3, seed=0))  # half way: momentum 0.75
    for was, now, ahead in zip(before, made.momentum_encoder.parameters(), made.encoder.parameters(), strict=True):
        torch.testing.assert_close(now, 0.75 * was + 0.25 * ahead)
    now = [parameter.clone() for parameter in made.momentum_encoder.parameters()]
    made.after_step(Step(index=2, total=3, seed=0))
    assert all(torch.equal(a, b) for a, b in zip(now, made.momentum_encoder.parameters(), strict=True))


def test_the_encoder_that_learns_by_gradient_is_kept():
    made = objective()
    assert made.pretrained() is made.encoder
