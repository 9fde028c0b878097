"""Learn from labelled and unlabelled units at once, without pretraining: what one would pick instead of it.

Three ways, each a term beside the cross-entropy of the labelled rows, its weight rising over the first steps:

- pseudo-labels (Lee 2013): the model's most probable class counts as the label of an unlabelled unit;
- FixMatch (Sohn et al. 2020, 2001.07685, eqs. 3 and 4): only where the model is confident on a gently moved view, and
  the class is to be found again in a strongly moved one;
- mean teacher (Tarvainen and Valpola 2017, 1703.01780): probabilities of a strongly moved view shall be those that a
  moving average of the model, which is kept in the end, gives for a gently moved one.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from semeia.data.augment import AugmentSettings
from semeia.data.batch import Batch
from semeia.encoders.patient import PatientEncoder
from semeia.errors import InputError
from semeia.objectives.heads.pooled import PooledHead
from semeia.objectives.momentum import momentum_copy, update_momentum
from semeia.objectives.projection import no_loss
from semeia.objectives.step import Step
from semeia.objectives.supervised import Supervised, SupervisedSettings
from semeia.objectives.task import BINARY, Logits, Task
from semeia.ranges import FROM_0, FROM_1, SHARE, require_ranges
from semeia.shapes import Scalar

Way = Literal["pseudo_labels", "fixmatch", "mean_teacher"]
STRONG = AugmentSettings(degrees=180.0, shift=4.0, contrast=0.6, brightness=0.3, zoom=0.5, gamma=0.6, noise=0.1)


@dataclass(frozen=True)
class SemiSupervisedSettings:
    """How unlabelled units are used.

    Attributes:
        way: "pseudo_labels", "fixmatch" or "mean_teacher".
        weight: of the term of the unlabelled units, once it has risen.
        rise: share of the steps over which it rises from 0.
        threshold: least probability that FixMatch takes for a label.
        ratio: unlabelled units for each labelled one of a batch.
        momentum: of the teacher's moving average.
        strong: how far the strongly moved view is moved.
    """

    way: Way = "fixmatch"
    weight: float = 1.0
    rise: float = 0.3
    threshold: float = 0.95
    ratio: int = 3
    momentum: float = 0.99
    strong: AugmentSettings = STRONG

    def __post_init__(self) -> None:
        shares = dict.fromkeys(("rise", "threshold", "momentum"), SHARE)
        require_ranges("semi_supervised", self, {"weight": FROM_0, "ratio": FROM_1, **shares})


class Teacher(nn.Module):
    """A moving average of encoder and head."""

    def __init__(self, encoder: PatientEncoder, head: PooledHead) -> None:
        super().__init__()
        self.encoder = momentum_copy(encoder)
        self.head = momentum_copy(head)


class SemiSupervised(Supervised):
    """The objective. A batch holds labelled rows and, of label NaN, unlabelled ones; `second` moves them more."""

    def __init__(
        self,
        encoder: PatientEncoder,
        *,
        settings: SupervisedSettings,
        semi: SemiSupervisedSettings,
        task: Task = BINARY,
    ) -> None:
        super().__init__(encoder, settings=settings, task=task)
        self.semi = semi
        self.teacher = Teacher(encoder, self.head) if semi.way == "mean_teacher" else None

    def loss(self, batch: Batch, step: Step) -> dict[str, Scalar]:
        """`cross_entropy` of the labelled rows, `unlabelled` of the others. Raises InputError without labels."""
        if batch.labels is None:
            raise InputError("the batch carries no labels: semi-supervised learning needs some")
        known = ~batch.labels.isnan()
        terms = super().loss(batch.rows(known), step)
        if bool(known.all()):
            return {**terms, "unlabelled": no_loss(self)}
        weight = self.semi.weight * min(1.0, step.progress / max(self.semi.rise, 1e-9))
        return {**terms, "unlabelled": weight * self._unlabelled(batch, ~known)}

    def _unlabelled(self, batch: Batch, rows: torch.Tensor) -> Scalar:
        task, gentle = self.head.task, batch.rows(rows)
        target = task.probabilities(self._target_logits(gentle))
        logits = self.logits(gentle if self.semi.way == "pseudo_labels" else batch.rows(rows, second=True))
        if self.semi.way == "mean_teacher":
            return (task.probabilities(logits.float()) - target).square().sum(1).mean()
        chance, called = target.max(1)
        sure = chance >= (self.semi.threshold if self.semi.way == "fixmatch" else 0.0)
        if not bool(sure.any()):
            return no_loss(self)
        return task.loss(logits[sure], called[sure].float()) * sure.float().mean()

    @torch.no_grad()
    def _target_logits(self, batch: Batch) -> Logits:
        """Logits that make targets, without dropout: the teacher's where there is one."""
        encoder, head = self.fitted()
        was = head.training, encoder.training
        head.eval()
        encoder.eval()
        logits = head(*encoder.pool(encoder(batch), cells=head.cells))
        head.train(was[0])
        encoder.train(was[1])
        return logits.float()

    def after_step(self, step: Step) -> None:
        """Move the teacher, faster in the first steps, so that its first weights are soon forgotten."""
        if self.teacher is not None:
            momentum = min(1 - 1 / (step.index + 2), self.semi.momentum)
            update_momentum(self.teacher.encoder, self.encoder, momentum=momentum)
            update_momentum(self.teacher.head, self.head, momentum=momentum)

    def fitted(self) -> tuple[PatientEncoder, PooledHead]:
        """Give the encoder and head that are kept: the teacher's where there is one."""
        return (self.encoder, self.head) if self.teacher is None else (self.teacher.encoder, self.teacher.head)
