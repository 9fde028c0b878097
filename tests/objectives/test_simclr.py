"""NT-Xent against a loop over its definition; a batch of one; rows without a pair."""

import numpy as np
import pytest
import torch

from semeia.objectives.simclr import SimClr, SimClrSettings, nt_xent
from semeia.objectives.step import Step
from semeia.objectives.views import two_views, vectors
from small_batches import rows, small_batch, small_encoder, with_second_view

STEP = Step(index=1, total=10, seed=0)


def by_hand(one: np.ndarray, other: np.ndarray, temperature: float) -> float:
    """Eq. 1 of the paper, one view at a time."""
    views = [vector / np.linalg.norm(vector) for vector in [*one, *other]]
    losses = []
    for i, view in enumerate(views):
        partner = views[(i + len(one)) % len(views)]
        below = sum(np.exp(view @ rival / temperature) for k, rival in enumerate(views) if k != i)
        losses.append(-np.log(np.exp(view @ partner / temperature) / below))
    return float(np.mean(losses))


@pytest.mark.parametrize(("n", "temperature"), [(2, 0.1), (5, 0.5), (7, 1.0)])
def test_nt_xent_is_the_definition(n: int, temperature: float):
    one, other = torch.randn(2, n, 6, generator=torch.Generator().manual_seed(n)) * 3
    expected = by_hand(one.double().numpy(), other.double().numpy(), temperature)
    assert float(nt_xent(one, other, temperature=temperature)) == pytest.approx(expected, rel=1e-5)


def test_one_image_has_nothing_to_contrast_with():
    one, other = torch.randn(2, 1, 6, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    assert float(nt_xent(one, other, temperature=0.1).detach()) == 0


@torch.no_grad()
def test_the_loss_is_nt_xent_of_the_projected_images_that_have_a_pair():
    torch.manual_seed(0)
    made = SimClr(small_encoder(), settings=SimClrSettings(hidden=16, dim=8), modality="image").eval()
    batch = with_second_view(small_batch())
    views = two_views(batch, "image")
    assert views is not None
    one, other = (made.head(vectors(made.encoder, view, "image")).double().numpy() for view in views)
    loss = made.loss(batch, STEP)["contrast"]
    assert float(loss) == pytest.approx(by_hand(one, other, 0.1), rel=1e-4)
    torch.testing.assert_close(loss, made.loss(rows(batch, [2, 3, 4, 5]), STEP)["contrast"])
