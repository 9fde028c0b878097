"""Declare what is predicted, two classes, several without an order, or several in order: its loss, its probabilities.

Sources: ordered classes as cumulative logits over one score (McCullagh 1980), with the mean of the thresholds' binary
cross-entropies as the loss (CORAL, Cao et al. 2020, 1901.07884, eq. 5).
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from semeia.errors import InputError
from semeia.shapes import Labels, Scalar

Kind = Literal["binary", "nominal", "ordinal"]
Logits = Float[Tensor, "batch outputs"]


@dataclass(frozen=True)
class Task:
    """An outcome.

    Attributes:
        kind: "binary", "nominal" (softmax) or "ordinal" (cumulative logits).
        classes: how many there are; 2 where it is binary.
        weights: what a unit of each class counts in the loss; none named: all count 1.
    """

    kind: Kind = "binary"
    classes: int = 2
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.classes < 2 or (self.kind == "binary" and self.classes != 2):
            raise InputError(f"task: {self.kind} of {self.classes} classes; binary has 2, the others 2 or more")
        if self.weights and len(self.weights) != self.classes:
            raise InputError(f"task: {len(self.weights)} weights of {self.classes} classes")

    def balanced(self, labels: np.ndarray) -> "Task":
        """Let every class that has labels count the same, and a unit 1 in the mean."""
        count = np.bincount(labels.astype(int), minlength=self.classes)
        share = len(labels) / (count.clip(min=1) * np.count_nonzero(count))
        return replace(self, weights=tuple(float(weight) for weight in share))

    @property
    def outputs(self) -> int:
        """Logits a head gives for one unit: 1, one a class, or one a threshold between classes."""
        return {"binary": 1, "nominal": self.classes, "ordinal": self.classes - 1}[self.kind]

    def loss(self, logits: Logits, labels: Labels) -> Scalar:
        """Mean cross-entropy of a batch, each unit by the weight of its class; labels count from 0."""
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        counts = logits.new_tensor(self.weights)[labels.long()] if self.weights else None
        if self.kind == "nominal":
            each = F.cross_entropy(logits, labels.long(), reduction="none")
            return each.mean() if counts is None else (each * counts).mean()
        above = labels[:, None] > torch.arange(self.outputs, device=labels.device)
        per_row = None if counts is None else counts[:, None]
        return F.binary_cross_entropy_with_logits(logits, above.to(logits.dtype), weight=per_row)

    def probabilities(self, logits: Logits) -> Float[Tensor, "batch classes"]:
        """Of every class; rows add up to 1. Those of an ordinal head fall with the threshold, so none is negative."""
        if self.kind == "nominal":
            return logits.softmax(1)
        above = torch.sigmoid(logits)
        one, none = torch.ones_like(above[:, :1]), torch.zeros_like(above[:, :1])
        return torch.cat([one, above], 1) - torch.cat([above, none], 1)

    def logits(self, probabilities: Float[Tensor, "batch classes"]) -> Logits:
        """Give logits of which these are the probabilities: the inverse of `probabilities`."""
        tiny = torch.finfo(probabilities.dtype).tiny
        if self.kind == "nominal":
            return probabilities.clamp(min=tiny).log()
        below = probabilities.cumsum(1)[:, :-1].clamp(min=tiny)
        above = probabilities.flip(1).cumsum(1).flip(1)[:, 1:].clamp(min=tiny)
        return above.log() - below.log()


def thresholds(steps: Float[Tensor, " steps"]) -> Float[Tensor, " outputs"]:
    """Of an ordinal score: 0, then each above the one before, whatever the steps are."""
    rising = F.softplus(steps).cumsum(0)
    return torch.cat([rising.new_zeros(1), rising])


BINARY = Task()
