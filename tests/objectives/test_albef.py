"""The contrast by a loop over definition, soft targets and the queue included; who takes part; bounds."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from semeia.errors import InputError
from semeia.objectives.albef import Albef, AlbefSettings
from semeia.objectives.step import Step
from semeia.objectives.views import vectors
from small_batches import rows, small_batch, small_encoder, with_nbi, with_second_view

STEP = Step(index=1, total=11, seed=0)  # a tenth of the way
BOTH = [1, 2, 4, 5]  # row 0 has no image, row 3 no nbi


def objective(**settings: object) -> Albef:
    torch.manual_seed(0)
    chosen = AlbefSettings(**{"queue": 16, "dim": 8, "ramp": 0.2, **settings})
    return Albef(small_encoder(modalities=("image", "nbi")), settings=chosen, pair=("image", "nbi")).train()


@torch.no_grad()
def projected(made: Albef, batch, name: str, *, slow: bool = False, second: bool = False) -> np.ndarray:
    encoder, heads = (made.momentum_encoder, made.momentum_heads) if slow else (made.encoder, made.heads)
    part = batch.of(name, torch.ones(len(batch), dtype=torch.bool), second=second)
    return F.normalize(heads[made.pair.index(name)](vectors(encoder, part, name)), dim=1).double().numpy()


def by_hand(query: np.ndarray, slow: np.ndarray, keys: np.ndarray, temperature: float, soft: float) -> float:
    """One unit at a time: cross-entropy with the target (1 - soft) one-hot + soft softmax."""
    losses = []
    for row, (q, s) in enumerate(zip(query, slow, strict=True)):
        scores, alike = np.exp(keys @ q / temperature), np.exp(keys @ s / temperature)
        target = soft * alike / alike.sum()
        target[row] += 1 - soft
        losses.append(-(target * np.log(scores / scores.sum())).sum())
    return float(np.mean(losses))


def moved(made: Albef) -> None:
    """Bring the slow copy away from the fast one."""
    for parameter in (*made.momentum_encoder.parameters(), *made.momentum_heads.parameters()):
        parameter.mul_(0.8)


@pytest.mark.parametrize("looks", ["across", "both"])
@torch.no_grad()
def test_the_loss_by_hand_over_two_batches(looks: str):
    made = objective(looks=looks)
    moved(made)
    if looks == "both":  # row 1 has no second view
        prepare, chosen = (lambda batch: with_second_view(with_nbi(batch))), [2, 4, 5]
    else:
        prepare, chosen = with_nbi, BOTH
    second = looks == "both"
    earlier = rows(prepare(small_batch(seed=1)), chosen)
    made.loss(prepare(small_batch(seed=1)), STEP)
    batch = prepare(small_batch(seed=2))
    part = rows(batch, chosen)
    queries = {name: projected(made, part, name) for name in made.pair}
    keys = {name: projected(made, part, name, slow=True, second=second) for name in made.pair}
    queued = {name: projected(made, earlier, name, slow=True, second=second) for name in made.pair}
    directions = [("image", "nbi"), ("nbi", "image")]
    directions += [("image", "image"), ("nbi", "nbi")] if second else []
    terms = made.loss(batch, STEP)
    assert list(terms) == [f"{one}_to_{other}" for one, other in directions]
    for (one, other), term in zip(directions, terms.values(), strict=True):
        known = np.concatenate([keys[other], queued[other]])
        # A tenth of the way, with a ramp of two tenths: half of 0.4.
        expected = by_hand(queries[one], keys[one], known, 0.07, 0.2) / len(directions)
        assert float(term) == pytest.approx(expected, rel=1e-4)


def test_without_queue_and_soft_targets_it_is_symmetric_cross_entropy():
    made = objective(queue=0, soft=0.0)
    batch = rows(with_nbi(small_batch()), BOTH)
    image, nbi = (torch.from_numpy(projected(made, batch, name)) for name in made.pair)
    similarity, own = image @ nbi.T / 0.07, torch.arange(4)
    expected = (F.cross_entropy(similarity, own) + F.cross_entropy(similarity.T, own)) / 2
    loss = torch.stack(list(made.loss(batch, STEP).values())).sum()
    assert float(loss.detach()) == pytest.approx(float(expected), rel=1e-4)


def test_keys_come_in_while_training_only_and_take_no_gradient():
    made = objective()
    batch = with_nbi(small_batch())
    made.eval().loss(batch, STEP)
    assert [int(queue.written) for queue in made.queues] == [0, 0]
    torch.stack(list(made.train().loss(batch, STEP).values())).sum().backward()
    assert [len(queue.known()) for queue in made.queues] == [4, 4]
    assert not any(queue.keys.requires_grad for queue in made.queues)
    assert all(parameter.grad is None for parameter in made.momentum_encoder.parameters())
    assert not made.momentum_encoder.training


def test_the_temperature_stays_in_its_bounds_and_the_slow_copy_moves():
    made = objective(momentum=0.5)
    with torch.no_grad():
        made.log_sharpness.fill_(-7.0)
        made.heads[0].weight.zero_()
        before = made.momentum_heads[0].weight.clone()
    made.after_step(STEP)
    assert float(made.temperature.detach()) == pytest.approx(0.5)
    assert float(objective().temperature.detach()) == pytest.approx(0.07)
    assert torch.allclose(made.momentum_heads[0].weight, before / 2)


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="soft is"):
        AlbefSettings(soft=1.5)
    with pytest.raises(InputError, match="compares image with nbi: the batch has no nbi"):
        objective().loss(small_batch(), STEP)
    alone = objective().loss(rows(with_nbi(small_batch()), [0]), STEP)  # nobody with both
    assert {float(value.detach()) for value in alone.values()} == {0.0}
