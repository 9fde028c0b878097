"""Projection heads: from an image's vector to the space in which an objective compares. Thrown away after pretraining.

The batch normalisation in them is that of the papers (Chen et al. 2020, Grill et al. 2020, Bardes et al. 2022), but for
a batch of one: a single row has no variance, so it is normalised by the running statistics and leaves them alone.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from semeia.shapes import Embeddings


class RowNorm(nn.BatchNorm1d):
    """Batch normalisation that also takes a single row in training."""

    def forward(self, input: Embeddings) -> Embeddings:  # noqa: A002 (the name is torch's)
        """Normalised rows, [n, dim]."""
        if self.training and len(input) < 2:
            return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(input)


def perceptron(widths: tuple[int, ...], *, norm: bool, last_bias: bool = True) -> nn.Sequential:
    """Linear layers with (normalisation and) ReLU in between; the last one is bare. Two widths make one linear layer.

    A linear layer before batch normalisation (`norm`) has no bias: it would cancel. Nor has the last one where the loss
    does not see a common shift (`last_bias`).
    """
    layers: list[nn.Module] = []
    for before, after in pairwise(widths[:-1]):
        layers += [nn.Linear(before, after, bias=not norm), *([RowNorm(after)] if norm else []), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1], bias=last_bias))


def no_loss(module: nn.Module) -> torch.Tensor:
    """Zero, with a gradient of zero for all that is trained: the loss of a batch with nothing to compare."""
    trained = [parameter.sum() for parameter in module.parameters() if parameter.requires_grad]
    return torch.stack(trained).sum() * 0.0
