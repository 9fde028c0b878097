"""The discriminator's loss by hand; the encoder gets its gradient turned round; a detached one would not move it."""

import pytest
import torch
from torch.nn import functional as F

from semeia.objectives.adversarial import Adversarial, AdversarialSettings, turned
from semeia.objectives.step import Step
from semeia.objectives.views import vectors
from small_batches import rows, small_batch, small_encoder, with_nbi

STEP = Step(index=1, total=10, seed=0)


def objective(reversal: float = 1.0) -> Adversarial:
    torch.manual_seed(0)
    encoder = small_encoder(modalities=("image", "nbi"))
    return Adversarial(encoder, settings=AdversarialSettings(reversal, 16), pair=("image", "nbi"))


def by_hand(made: Adversarial, *, detached: bool = False) -> torch.Tensor:
    """Cross-entropy of the discriminator over the rows that have both, without any reversal."""
    losses = []
    for row in (1, 2, 4, 5):
        batch = rows(with_nbi(small_batch()), [row])
        for truth, name in enumerate(made.pair):
            vector = vectors(made.encoder, batch.of(name, torch.tensor([True])), name)
            answer = made.discriminator(vector.detach() if detached else vector)[0, 0]
            losses.append(-F.logsigmoid(answer if truth else -answer))
    return torch.stack(losses).mean()


def gradients(made: Adversarial, loss: torch.Tensor) -> dict[str, torch.Tensor | None]:
    made.zero_grad()
    loss.backward()
    return {name: parameter.grad for name, parameter in made.named_parameters()}


@pytest.mark.parametrize("reversal", [1.0, 0.25])
def test_loss_and_gradients_by_hand(reversal: float):
    made = objective(reversal)
    loss = made.loss(with_nbi(small_batch()), STEP)["discrimination"]
    assert float(loss.detach()) == pytest.approx(float(by_hand(made).detach()), rel=1e-5)
    ours, plain = gradients(made, loss), gradients(made, by_hand(made))
    for name, gradient in ours.items():
        expected = plain[name]
        assert gradient is not None
        assert expected is not None
        factor = -reversal if name.startswith("encoder.") else 1.0
        torch.testing.assert_close(gradient, factor * expected, rtol=1e-3, atol=1e-6)


def test_the_encoder_moves_and_by_a_detached_discriminator_it_would_not():
    made = objective()
    ours = gradients(made, made.loss(with_nbi(small_batch()), STEP)["discrimination"])
    published = gradients(made, by_hand(made, detached=True))
    for name, gradient in ours.items():
        assert gradient is not None
        assert gradient.any(), name
        assert (published[name] is None) == name.startswith("encoder."), name


def test_turning_changes_no_value():
    vector = torch.randn(3, 4, requires_grad=True)
    assert torch.allclose(turned(vector, 2.0), vector)
    (3 * turned(vector, 2.0)).sum().backward()
    assert torch.equal(vector.grad, torch.full((3, 4), -6.0))
