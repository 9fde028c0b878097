"""Read what an encoder pools by one linear layer: the head of probes and of fine-tuning."""

import torch
from torch import nn

from semeia.encoders.pooling import WHOLE, Cells
from semeia.objectives.step import Step
from semeia.objectives.task import BINARY, Logits, Task, thresholds
from semeia.shapes import Features, Labels, ModalityMask, Pooled, Scalar


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
        self.linear = blank_linear(modalities * dim, task)
        if task.kind == "ordinal":
            self.steps = nn.Parameter(torch.zeros(task.outputs - 1))

    def standardised(self, pooled: Pooled, there: ModalityMask) -> Pooled:
        """Features of mean 0 and standard deviation 1 on training units, [batch, modality, dim]."""
        return torch.where(there[..., None], (pooled - self.mean) / self.sd, 0.0)

    def features(self, pooled: Pooled, there: ModalityMask) -> Features:
        """What the linear layer reads, [batch, modality * dim]."""
        return self.standardised(pooled, there).flatten(1)

    def forward(self, pooled: Pooled, there: ModalityMask) -> Logits:
        """Logits, [batch, outputs]."""
        return self.score(self.features(pooled, there))

    def score(self, features: Features) -> Logits:
        """Logits of standardised features, [batch, outputs]."""
        score = self.linear(self.dropout(features))
        # The bias of the one linear unit moves all thresholds.
        return score - thresholds(self.steps) if self.task.kind == "ordinal" else score

    def loss(self, pooled: Pooled, there: ModalityMask, labels: Labels, step: Step) -> dict[str, Scalar]:
        """Mean cross-entropy of a batch, as a named term."""
        return {"cross_entropy": self.task.loss(self(pooled, there), labels)}

    def standardise_by(self, pooled: Pooled, there: ModalityMask) -> None:
        """Fits mean and standard deviation of each feature on training units, over those that have the
        modality."""
        count = there.sum(0)[:, None].clamp(min=1)
        weight = there[..., None].to(pooled.dtype)
        mean = (pooled * weight).sum(0) / count
        variance = ((pooled - mean).square() * weight).sum(0) / count
        self.mean.copy_(mean)
        self.sd.copy_(variance.sqrt().clamp(min=1e-3))


def blank_linear(inputs: int, task: Task) -> nn.Linear:
    """Make a layer that says nothing yet: of weights and biases 0."""
    linear = nn.Linear(inputs, 1 if task.kind == "ordinal" else task.outputs)
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear
