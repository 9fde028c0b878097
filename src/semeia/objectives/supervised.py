"""Learn from labels: a linear head on what the patient encoder pools, cross-entropy, modality dropout.

One head serves all modes: a frozen probe (weights from L2-logistic regression), fine-tuning, and
probe-then-fine-tune.
"""

from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.nn import functional as F

from semeia.data.batch import Batch
from semeia.encoders.patient import PatientEncoder
from semeia.encoders.pooling import WHOLE, Cells
from semeia.errors import InputError
from semeia.objectives.objective import Objective
from semeia.objectives.step import Step
from semeia.objectives.task import BINARY, Logits, Task, thresholds
from semeia.ranges import FROM_1, Range, require_ranges
from semeia.shapes import Features, ModalityMask, Pooled, Scalar


class PooledHead(nn.Module):
    """Standardise, drop, one linear layer. A missing modality enters at its mean, which is 0 after standardising.

    Of ordered classes there is one linear unit and a rising threshold between each two of them.
    """

    def __init__(
        self, modalities: int, dim: int, *, dropout: float = 0.0, task: Task = BINARY, cells: Cells = WHOLE
    ) -> None:
        super().__init__()
        self.task = task
        self.cells = cells  # what `PatientEncoder.pool` is to read for it
        self.mean: torch.Tensor
        self.sd: torch.Tensor
        self.register_buffer("mean", torch.zeros(modalities, dim))
        self.register_buffer("sd", torch.ones(modalities, dim))
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(modalities * dim, 1 if task.kind == "ordinal" else task.outputs)
        if task.kind == "ordinal":
            self.steps = nn.Parameter(torch.zeros(task.outputs - 1))
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def features(self, pooled: Pooled, there: ModalityMask) -> Features:
        """Standardised features, [batch, modality * dim]."""
        return torch.where(there[..., None], (pooled - self.mean) / self.sd, 0.0).flatten(1)

    def forward(self, pooled: Pooled, there: ModalityMask) -> Logits:
        """Logits, [batch, outputs]."""
        score = self.linear(self.dropout(self.features(pooled, there)))
        # The bias of the one linear unit moves all thresholds.
        return score - thresholds(self.steps) if self.task.kind == "ordinal" else score

    def standardise_by(self, pooled: Pooled, there: ModalityMask) -> None:
        """Fits mean and standard deviation of each feature on training units, over those that have the
        modality."""
        count = there.sum(0)[:, None].clamp(min=1)
        weight = there[..., None].to(pooled.dtype)
        mean = (pooled * weight).sum(0) / count
        variance = ((pooled - mean).square() * weight).sum(0) / count
        self.mean.copy_(mean)
        self.sd.copy_(variance.sqrt().clamp(min=1e-3))


@dataclass(frozen=True)
class SupervisedSettings:
    """The head, and the regularisation of supervised training.

    Attributes:
        modality_dropout: probability to hide each modality of a patient; never the last one it has.
        dropout: of the head's features.
        cells: parts along depth, height and width whose mean tokens the head reads apart, beside mean and spread of
            all: for images taken in one position, where the place tells.
    """

    modality_dropout: float = 0.2
    dropout: float = 0.1
    cells: Cells = WHOLE

    def __post_init__(self) -> None:
        below_1 = dict.fromkeys(("modality_dropout", "dropout"), Range(0, 1, below=True))
        require_ranges("supervised", self, {"cells": FROM_1, **below_1})


class Supervised(Objective):
    """The objective of fine-tuning."""

    def __init__(self, encoder: PatientEncoder, *, settings: SupervisedSettings, task: Task = BINARY) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = encoder
        width = encoder.pooled_width(settings.cells)
        self.head = PooledHead(len(encoder.kinds), width, dropout=settings.dropout, task=task, cells=settings.cells)

    def fitted(self) -> tuple[PatientEncoder, PooledHead]:
        """Give the encoder and head that are kept."""
        return self.encoder, self.head

    def logits(self, batch: Batch) -> Logits:
        """Logits, [batch, outputs]."""
        pooled, there = self.encoder.pool(self.encoder(batch), cells=self.head.cells)
        return self.head(pooled, there)

    def loss(self, batch: Batch, step: Step) -> dict[str, Scalar]:
        """Mean cross-entropy of the batch. Raises InputError without labels."""
        if batch.labels is None:
            raise InputError("the batch carries no labels: fine-tuning needs an outcome")
        logits = self.logits(self._dropped(batch, step))
        return {"cross_entropy": self.head.task.loss(logits, batch.labels.float())}

    def _dropped(self, batch: Batch, step: Step) -> Batch:
        there = batch.observed().cpu()
        if not self.training or there.shape[1] < 2 or not self.settings.modality_dropout:
            return batch
        draw = torch.rand(there.shape, generator=step.generator("modality dropout"))
        keep = there & (draw >= self.settings.modality_dropout)
        # Where all would go, the one with the highest draw stays.
        last = F.one_hot((draw * there).argmax(1), there.shape[1]).bool()
        keep = torch.where(keep.any(1, keepdim=True), keep, last)
        modalities = {name: seen.hidden(~keep[:, index]) for index, (name, seen) in enumerate(batch.modalities.items())}
        return replace(batch, modalities=modalities)
