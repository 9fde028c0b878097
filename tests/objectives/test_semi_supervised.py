"""Each way against a computation by hand; what trains what; labels of unlabelled rows are never read."""

from dataclasses import replace
from typing import get_args

import pytest
import torch

from semeia.data.batch import Batch
from semeia.objectives.semi_supervised import SemiSupervised, SemiSupervisedSettings, Way
from semeia.objectives.step import Step
from semeia.objectives.supervised import SupervisedSettings
from semeia.objectives.task import Task
from small_batches import small_batch, small_encoder, with_second_view

LATE = Step(index=9, total=10, seed=0)
PLAIN = SupervisedSettings(modality_dropout=0.0, dropout=0.0)
NOMINAL = Task("nominal", 3)


def objective(way: Way, **settings: float) -> SemiSupervised:
    semi = SemiSupervisedSettings(way=way, **settings)  # pyright: ignore[reportArgumentType]
    made = SemiSupervised(small_encoder(), settings=PLAIN, semi=semi, task=NOMINAL)
    torch.nn.init.normal_(made.head.linear.weight, generator=torch.Generator().manual_seed(0))
    if made.teacher is not None:
        made.teacher.head.load_state_dict(made.head.state_dict())
    return made


def half_labelled() -> Batch:
    """Six rows, of which three are labelled; their strongly moved views."""
    batch = with_second_view(small_batch(gaps=False), noise=0.5)
    nan = float("nan")
    return replace(batch, labels=torch.tensor([0.0, 1.0, 2.0, nan, nan, nan]))


def chances(made: SemiSupervised, batch: Batch) -> torch.Tensor:
    return made.logits(batch).softmax(1)[3:]


def moved(batch: Batch) -> Batch:
    return replace(batch, modalities={**batch.modalities, **batch.second})


@torch.no_grad()
def test_fixmatch_by_hand():
    batch = half_labelled()
    made = objective("fixmatch", threshold=0.0).eval()
    target = chances(made, batch)
    threshold = float(target.amax(1).sort().values[1])  # two of three are sure enough
    made = objective("fixmatch", threshold=threshold, weight=0.5).eval()
    terms = made.loss(batch, LATE)
    wanted = 0.0
    for gentle, strong in zip(target, chances(made, moved(batch)), strict=True):
        if gentle.max() >= threshold:
            wanted -= float(strong[gentle.argmax()].log()) / 3
    assert float(terms["unlabelled"]) == pytest.approx(0.5 * wanted, rel=1e-4)
    labelled = made.logits(batch).log_softmax(1)[:3]
    assert float(terms["cross_entropy"]) == pytest.approx(-float(labelled.diagonal().mean()), rel=1e-4)


@torch.no_grad()
def test_pseudo_labels_are_the_models_own_classes_of_the_same_view():
    batch, made = half_labelled(), objective("pseudo_labels").eval()
    wanted = -chances(made, batch).amax(1).log().mean()
    assert float(made.loss(batch, LATE)["unlabelled"]) == pytest.approx(float(wanted), rel=1e-4)


def test_the_mean_teacher_is_a_moving_average_and_is_what_is_kept():
    batch, made = half_labelled(), objective("mean_teacher", momentum=0.9).train()
    assert made.teacher is not None
    with torch.no_grad():
        difference = chances(made, moved(batch)) - chances(made, batch)
        wanted = float(difference.square().sum(1).mean())
    assert made.loss(batch, LATE)["unlabelled"].item() == pytest.approx(wanted, rel=1e-4)
    before = made.teacher.head.linear.weight.clone()
    with torch.no_grad():
        made.head.linear.weight += 1.0
    made.after_step(Step(index=50, total=100, seed=0))
    torch.testing.assert_close(made.teacher.head.linear.weight, before + 0.1)
    assert made.fitted()[1] is made.teacher.head
    assert objective("fixmatch").fitted()[0] is not made.teacher.encoder


@pytest.mark.parametrize("way", get_args(Way))
def test_unlabelled_rows_alone_train_encoder_and_head_but_no_teacher(way: Way):
    made, batch = objective(way, threshold=0.0).train(), half_labelled()
    terms = made.loss(batch, LATE)
    terms["unlabelled"].backward()
    assert made.head.linear.weight.grad is not None
    assert made.head.linear.weight.grad.abs().sum() > 0
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in made.encoder.parameters())
    if made.teacher is not None:
        assert all(p.grad is None for p in made.teacher.parameters())


@pytest.mark.parametrize("way", get_args(Way))
def test_the_weight_rises_from_nothing_and_a_batch_of_labelled_rows_has_no_such_term(way: Way):
    made, batch = objective(way).eval(), half_labelled()
    with torch.no_grad():
        assert float(made.loss(batch, Step(index=0, total=10, seed=0))["unlabelled"]) == 0.0
        every = replace(batch, labels=torch.tensor([0.0, 1.0, 2.0, 0.0, 1.0, 2.0]))
        assert float(made.loss(every, LATE)["unlabelled"]) == 0.0
