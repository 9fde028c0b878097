"""The loss against eq. 2 by hand; the slow copy is a target only and moves as the paper says."""

import math

import numpy as np
import pytest
import torch

from semeia.objectives.byol import Byol, ByolSettings, rising
from semeia.objectives.looks import image_vectors, two_looks
from semeia.objectives.step import Step
from small_views import small_encoder, small_views, with_other_look


def objective(**settings: float) -> Byol:
    torch.manual_seed(0)
    made = Byol(small_encoder(modalities=("image",)), settings=ByolSettings(hidden=16, dim=8, **settings))
    # Away from the fast network, so that the two can be told apart.
    with torch.no_grad():
        for parameter in made.slow_encoder.parameters():
            parameter.mul_(1.1)
    return made


@torch.no_grad()
def test_the_loss_is_the_squared_distance_of_unit_vectors_both_ways():
    made, views = objective().eval(), with_other_look(small_views(), noise=2.0)
    looks = two_looks(views)
    assert looks is not None
    guesses = [made.predictor(made.projector(image_vectors(made.encoder, look))).double().numpy() for look in looks]
    targets = [made.slow_projector(image_vectors(made.slow_encoder, look)).double().numpy() for look in looks]
    expected = 0.0
    for guess, target in ((guesses[0], targets[1]), (guesses[1], targets[0])):
        for p, z in zip(guess, target, strict=True):
            expected += ((p / np.linalg.norm(p) - z / np.linalg.norm(z)) ** 2).sum() / len(guess)
    loss = made.loss(views, Step(index=0, total=5, seed=0))["agreement"]
    assert float(loss) == pytest.approx(expected, rel=1e-4)


def test_the_momentum_rises_along_a_cosine_to_one():
    assert rising(0.9, 0.0) == pytest.approx(0.9)
    assert rising(0.9, 1.0) == 1
    assert rising(0.9, 0.25) == pytest.approx(1 - 0.1 * (math.sqrt(0.5) + 1) / 2)


def test_after_a_step_the_slow_copy_has_moved_by_that_momentum():
    made = objective(momentum=0.5)
    before = [parameter.clone() for parameter in made.slow_encoder.parameters()]
    made.after_step(Step(index=1, total=3, seed=0))  # half way: momentum 0.75
    for was, now, ahead in zip(before, made.slow_encoder.parameters(), made.encoder.parameters(), strict=True):
        torch.testing.assert_close(now, 0.75 * was + 0.25 * ahead)
    now = [parameter.clone() for parameter in made.slow_encoder.parameters()]
    made.after_step(Step(index=2, total=3, seed=0))
    assert all(torch.equal(a, b) for a, b in zip(now, made.slow_encoder.parameters(), strict=True))


def test_the_encoder_that_learns_by_gradient_is_kept():
    made = objective()
    assert made.pretrained() is made.encoder
