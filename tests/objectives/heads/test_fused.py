"""What is trained and what is answered, by hand, for each way of inference; a missing modality has no say."""

import numpy as np
import pytest
import torch

from semeia.encoders.fusion import FusionEncoder
from semeia.errors import InputError
from semeia.objectives.heads.evidence import dirichlet, evidential_loss, joined
from semeia.objectives.heads.fused import FusedHead, FusionSettings
from semeia.objectives.step import Step
from semeia.objectives.supervised import Supervised, SupervisedSettings
from semeia.objectives.task import BINARY, Task
from small_batches import small_batch, small_encoder, with_nbi

NOMINAL = Task("nominal", 3)
STEP = Step(index=5, total=11, seed=0)  # half the way
LABELS = torch.tensor([0.0, 1.0, 2.0, 1.0, 0.0, 2.0, 1.0])


def pooled_of(rows: int = 7) -> tuple[torch.Tensor, torch.Tensor]:
    """Two modalities and the fused part; row 0 lacks the first, row 3 the second."""
    pooled = 2 + 3 * torch.randn(rows, 3, 4, generator=torch.Generator().manual_seed(0))
    there = torch.ones(rows, 3, dtype=torch.bool)
    there[0, 0] = there[3 % rows, 1] = False
    return pooled, there


def head_of(*, task: Task = NOMINAL, **settings: object) -> FusedHead:
    torch.manual_seed(0)
    head = FusedHead(3, 4, settings=FusionSettings(**{"clusters": 2, **settings}), task=task)
    for linear in (head.linear, *(head.others or ())):
        torch.nn.init.normal_(linear.weight)
        torch.nn.init.normal_(linear.bias)
    head.fit(*pooled_of(), seed=0)
    return head.eval()


@torch.no_grad()
def test_the_loss_is_that_of_the_fused_feature_and_the_mean_over_the_shifted_ones():
    head, (pooled, there) = head_of(scale=0.6, weight=2.0), pooled_of()
    z = (pooled - head.mean) / head.sd
    terms = head.loss(pooled, there, LABELS, STEP)
    torch.testing.assert_close(terms["cross_entropy"], NOMINAL.loss(head.linear(z[:, 2]), LABELS))
    assert head.dictionary is not None
    losses = []
    for modality in range(2):
        mine = there[:, modality]
        centres = head.dictionary.centres[modality]
        nearest = centres[(z[mine, modality][:, None] - centres).norm(dim=2).argmin(1)]
        shifted = z[mine, 2] + 0.3 * (nearest - z[mine, modality])  # half the way: half of 0.6
        losses.append(NOMINAL.loss(head.linear(shifted), LABELS[mine]))
    torch.testing.assert_close(terms["shifted"], 2.0 * sum(losses) / 2)
    assert list(head_of(shift="none").loss(pooled, there, LABELS, STEP)) == ["cross_entropy"]


@pytest.mark.parametrize("task", [NOMINAL, BINARY], ids=["nominal", "binary"])
@torch.no_grad()
def test_entropy_weights_answers_by_how_sure_they_are(task: Task):
    head, (pooled, there) = head_of(task=task, inference="entropy"), pooled_of()
    z = (pooled - head.mean) / head.sd
    assert head.dictionary is not None
    answers = task.probabilities(head(pooled, there).double()).numpy()
    for row in range(len(pooled)):
        parts = [z[row, 2]]
        for modality in range(2):
            if there[row, modality]:
                centres = head.dictionary.centres[modality]
                nearest = centres[(z[row, modality] - centres).norm(dim=1).argmin()]
                parts.append(z[row, 2] + 0.5 * (nearest - z[row, modality]))
        chances = [task.probabilities(head.linear(part)[None])[0].double().numpy() for part in parts]
        weights = [np.exp((chance * np.log(chance)).sum()) for chance in chances]
        np.testing.assert_allclose(answers[row], np.average(chances, axis=0, weights=weights), rtol=1e-4)


@pytest.mark.parametrize("task", [NOMINAL, BINARY], ids=["nominal", "binary"])
@torch.no_grad()
def test_evidence_is_joined_over_the_heads_of_what_is_there(task: Task):
    head, (pooled, there) = head_of(task=task, inference="evidential", shift="none"), pooled_of()
    z = (pooled - head.mean) / head.sd
    assert head.others is not None
    heads = [*head.others, head.linear]
    labels = LABELS % task.classes
    losses, answers = {0: [], 1: [], 2: [], "all": []}, head.task.probabilities(head(pooled, there))
    for row in range(len(pooled)):
        opinions = {part: dirichlet(heads[part](z[row : row + 1, part])) for part in range(3) if there[row, part]}
        alpha = joined(list(opinions.values()))
        torch.testing.assert_close(answers[row], alpha[0] / alpha.sum(), rtol=1e-4, atol=1e-5)
        for part, opinion in {**opinions, "all": alpha}.items():
            losses[part].append(evidential_loss(opinion, labels[row : row + 1], doubt=0.5))
    expected = sum(torch.stack(each).mean() for each in losses.values())
    torch.testing.assert_close(head.loss(pooled, there, labels, STEP)["evidence"], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("inference", ["fused", "entropy", "evidential"])
@torch.no_grad()
def test_what_is_absent_is_not_read(inference: str):
    head, (pooled, there) = head_of(inference=inference), pooled_of()
    other = torch.where(there[..., None], pooled, 1e3)
    torch.testing.assert_close(head(other, there), head(pooled, there))
    terms, again = (head.loss(values, there, LABELS, STEP) for values in (pooled, other))
    for name in terms:
        torch.testing.assert_close(terms[name], again[name])


@pytest.mark.parametrize("inference", ["fused", "evidential"])
def test_a_shift_moves_no_dictionary_and_every_parameter_of_the_encoder_learns(inference: str):
    settings = SupervisedSettings(fusion=FusionSettings(clusters=2, inference=inference))
    made = Supervised(small_encoder(modalities=("image", "nbi"), mixing="cross"), settings=settings).train()
    assert isinstance(made.encoder, FusionEncoder)
    for parameter in made.head.parameters():
        torch.nn.init.normal_(parameter)
    terms = made.loss(with_nbi(small_batch()), STEP)
    torch.stack(list(terms.values())).sum().backward()
    for name, parameter in made.named_parameters():
        # The fused feature reads all of both encoders, their last normalisations included.
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name
    assert "dictionary.centres" in dict(made.head.named_buffers())


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="classes without an order"):
        FusedHead(3, 4, settings=FusionSettings(inference="evidential"), task=Task("ordinal", 3))
    with pytest.raises(InputError, match='this one\'s mixing is "apart"'):
        Supervised(small_encoder(mixing="apart"), settings=SupervisedSettings(fusion=FusionSettings()))
    with pytest.raises(InputError, match="fusion: depth"):
        FusionSettings(depth=0)
