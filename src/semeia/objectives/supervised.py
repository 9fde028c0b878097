"""Learn from labels: a linear head on what the patient encoder pools, cross-entropy, modality dropout.

One head serves all modes: a frozen probe (weights from L2-logistic regression), fine-tuning, and
probe-then-fine-tune.
"""

from dataclasses import dataclass, replace

import torch
from torch.nn import functional as F

from semeia.data.batch import Batch
from semeia.encoders.patient import PatientEncoder
from semeia.encoders.pooling import WHOLE, Cells
from semeia.errors import InputError
from semeia.objectives.heads.fused import FusedHead, FusionSettings
from semeia.objectives.heads.pooled import PooledHead
from semeia.objectives.objective import Objective
from semeia.objectives.step import Step
from semeia.objectives.task import BINARY, Logits, Task
from semeia.ranges import FROM_1, Range, require_ranges
from semeia.shapes import ModalityMask, Pooled, Scalar


@dataclass(frozen=True)
class SupervisedSettings:
    """The head, and the regularisation of supervised training.

    Attributes:
        modality_dropout: probability to hide each modality of a patient; never the last one it has.
        dropout: of the head's features.
        cells: parts along depth, height and width whose mean tokens the head reads apart, beside mean and spread of
            all: for images taken in one position, where the place tells.
        balanced: whether each class counts the same, however few labels it has: for balanced accuracy and macro F1.
            Probabilities are then those of a population that has all classes equally.
        fusion: of an encoder each (`mixing` "apart"): how fine-tuning fuses them, and what is read of that
            (objectives/heads/fused.py); None reads the modalities side by side.
    """

    modality_dropout: float = 0.2
    dropout: float = 0.1
    cells: Cells = WHOLE
    balanced: bool = False
    fusion: FusionSettings | None = None

    def __post_init__(self) -> None:
        below_1 = dict.fromkeys(("modality_dropout", "dropout"), Range(0, 1, below=True))
        require_ranges("supervised", self, {"cells": FROM_1, **below_1})


class Supervised(Objective):
    """The objective of fine-tuning."""

    def __init__(self, encoder: PatientEncoder, *, settings: SupervisedSettings, task: Task = BINARY) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = encoder
        self.head = head_of(encoder, task=task, cells=settings.cells, fusion=settings.fusion, dropout=settings.dropout)

    def fitted(self) -> tuple[PatientEncoder, PooledHead]:
        """Give the encoder and head that are kept."""
        return self.encoder, self.head

    def logits(self, batch: Batch) -> Logits:
        """Logits, [batch, outputs]."""
        return self.head(*self._pooled(batch))

    def loss(self, batch: Batch, step: Step) -> dict[str, Scalar]:
        """The head's terms: mean cross-entropy, and what a fusion adds. Raises InputError without labels."""
        if batch.labels is None:
            raise InputError("the batch carries no labels: fine-tuning needs an outcome")
        return self.head.loss(*self._pooled(self._dropped(batch, step)), batch.labels.float(), step)

    def _pooled(self, batch: Batch) -> tuple[Pooled, ModalityMask]:
        return self.encoder.pool(self.encoder(batch), cells=self.head.cells)

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


def head_of(
    encoder: PatientEncoder,
    *,
    task: Task,
    cells: Cells = WHOLE,
    fusion: FusionSettings | None = None,
    dropout: float = 0.0,
) -> PooledHead:
    """Make the head that reads an encoder."""
    parts, width = len(encoder.parts), encoder.pooled_width(cells)
    if fusion is None:
        return PooledHead(parts, width, dropout=dropout, task=task, cells=cells)
    if encoder.parts == encoder.kinds:
        raise InputError(f'supervised.fusion reads a fused encoder; this one\'s mixing is "{encoder.settings.mixing}"')
    return FusedHead(parts, width, settings=fusion, dropout=dropout, task=task, cells=cells)
