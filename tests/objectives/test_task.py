"""Losses against hand-written ones; probabilities that add up, in order where the classes are."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from semeia.errors import InputError
from semeia.objectives.heads.pooled import PooledHead
from semeia.objectives.task import BINARY, Task

NOMINAL, ORDINAL = Task("nominal", 5), Task("ordinal", 5)
LABELS = torch.tensor([0.0, 4.0, 2.0, 3.0, 1.0])


def logits_of(task: Task) -> torch.Tensor:
    drawn = torch.randn(5, task.outputs, generator=torch.Generator().manual_seed(0))
    return drawn.sort(1, descending=True).values if task.kind == "ordinal" else drawn


@pytest.mark.parametrize("task", [BINARY, NOMINAL, ORDINAL], ids=lambda task: task.kind)
def test_probabilities_add_up_to_one(task: Task):
    chances = task.probabilities(logits_of(task))
    assert chances.shape == (5, task.classes)
    assert (chances >= 0).all()
    torch.testing.assert_close(chances.sum(1), torch.ones(5))


@pytest.mark.parametrize("task", [BINARY, NOMINAL, ORDINAL], ids=lambda task: task.kind)
def test_logits_are_found_again_from_their_probabilities(task: Task):
    chances = task.probabilities(logits_of(task).double())
    torch.testing.assert_close(task.probabilities(task.logits(chances)), chances)
    assert task.logits(torch.eye(task.classes)).isfinite().all()


def test_the_nominal_loss_is_the_log_of_the_right_class():
    logits = logits_of(NOMINAL)
    chances = NOMINAL.probabilities(logits)
    expected = -chances[torch.arange(5), LABELS.long()].log().mean()
    torch.testing.assert_close(NOMINAL.loss(logits, LABELS), expected)


def test_the_ordinal_loss_is_the_mean_over_units_and_thresholds():
    logits = logits_of(ORDINAL)
    total = 0.0
    for row, label in zip(logits, LABELS, strict=True):
        for threshold, value in enumerate(row):
            chance = torch.sigmoid(value)
            total += float(-(chance if label > threshold else 1 - chance).log())
    assert float(ORDINAL.loss(logits, LABELS)) == pytest.approx(total / 20, rel=1e-5)
    two = Task("ordinal", 2)
    torch.testing.assert_close(
        two.loss(logits[:, :1], (LABELS > 2).float()), BINARY.loss(logits[:, :1], (LABELS > 2).float())
    )


def test_a_binary_loss_is_the_usual_one():
    logits, labels = logits_of(BINARY), (LABELS > 2).float()
    torch.testing.assert_close(BINARY.loss(logits, labels), F.binary_cross_entropy_with_logits(logits[:, 0], labels))


def test_thresholds_of_an_ordinal_head_rise_whatever_its_weights():
    head = PooledHead(1, 3, task=ORDINAL)
    torch.nn.init.normal_(head.steps, std=5.0, generator=torch.Generator().manual_seed(1))
    torch.nn.init.normal_(head.linear.weight, generator=torch.Generator().manual_seed(2))
    pooled = torch.randn(7, 1, 3, generator=torch.Generator().manual_seed(3))
    chances = ORDINAL.probabilities(head(pooled, torch.ones(7, 1, dtype=torch.bool)))
    assert (chances >= 0).all()
    # Up the score, every cumulative chance rises: the order of the classes is the head's own.
    order = head(pooled, torch.ones(7, 1, dtype=torch.bool))[:, 0].argsort()
    below = chances.cumsum(1)[order]
    assert (below.diff(dim=0) <= 1e-6).all()


@pytest.mark.parametrize(("kind", "classes"), [("binary", 3), ("nominal", 1), ("ordinal", 0)])
def test_tasks_that_cannot_be_are_refused(kind: str, classes: int):
    with pytest.raises(InputError, match="task:"):
        Task(kind, classes)


@pytest.mark.parametrize("task", [BINARY, NOMINAL, ORDINAL], ids=lambda task: task.kind)
def test_balanced_classes_count_the_same(task: Task):
    """A batch in which one class is doubled loses what the batch without the copy loses."""
    labels = (LABELS > 2).float() if task.classes == 2 else LABELS
    logits, rare = logits_of(task), labels == 0
    doubled = torch.cat([labels, labels[rare]])
    weighed = task.balanced(doubled.numpy()).loss(torch.cat([logits, logits[rare]]), doubled)
    torch.testing.assert_close(weighed, task.balanced(labels.numpy()).loss(logits, labels))
    even = task.balanced(np.repeat(np.arange(task.classes), 3))
    torch.testing.assert_close(even.loss(logits, labels), task.loss(logits, labels))


def test_a_class_without_labels_changes_no_weight():
    task = NOMINAL.balanced(np.array([0.0, 0.0, 0.0, 1.0]))
    assert task.weights[:2] == (pytest.approx(2 / 3), 2.0)
    with pytest.raises(InputError, match="2 weights of 5 classes"):
        Task("nominal", 5, (1.0, 1.0))
