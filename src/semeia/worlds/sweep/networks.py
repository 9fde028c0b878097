"""Hold many small networks of one shape as one: every weight has a leading axis, the cell.

A layer of a stack is one batched matrix product, so that a hundred networks cost the calls of one. Cells do not touch:
each has its own weights, rows and loss, and a sum of losses gives each the gradient that it would have alone.
"""

import copy
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

MODALITIES = ("image", "record")
Stacked = Float[Tensor, "cell row _"]
Rows = Int[Tensor, "cell row"]


class Perceptrons(nn.Module):
    """One perceptron a cell: linear layers with ReLU between, initialised as `nn.Linear` does, by a generator each."""

    def __init__(self, sizes: tuple[int, ...], generators: list[np.random.Generator]) -> None:
        super().__init__()
        drawn = [[_layer(*layer, generator) for layer in pairwise(sizes)] for generator in generators]
        self.weights = nn.ParameterList(
            torch.stack([weight for weight, _ in cells]) for cells in zip(*drawn, strict=True)
        )
        self.biases = nn.ParameterList(torch.stack([bias for _, bias in cells]) for cells in zip(*drawn, strict=True))

    def forward(self, x: Stacked) -> Stacked:
        """Apply each cell's network to its own rows."""
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, F.relu(x) if index else x, weight)
        return x


class Encoders(nn.ModuleDict):
    """An encoder of each modality, of every cell."""

    @property
    def width(self) -> int:
        """Of the embedding of a modality."""
        return next(reversed([*self.parameters()])).shape[-1]

    def of_cells(self, cells: Int[Tensor, " cell"]) -> "Encoders":
        """Copy the encoders of some cells, each as often as it is named; the copy can be trained."""
        copied = copy.deepcopy(self)
        for parameter in copied.parameters():
            parameter.data = parameter.data[cells]
        return copied.requires_grad_(True)


def joined(stacks: list[Encoders]) -> Encoders:
    """Stack the cells of several, one stack after the other."""
    whole = copy.deepcopy(stacks[0])
    for parameter, *parts in zip(*(stack.parameters() for stack in (whole, *stacks)), strict=True):
        parameter.data = torch.cat([part.data for part in parts])
    return whole.requires_grad_(True)


def rows_of(values: Float[Tensor, "source patient _"], source: Int[Tensor, " cell"], rows: Rows) -> Stacked:
    """Each cell's rows of its source."""
    flat = (source[:, None] * values.shape[1] + rows).reshape(-1)
    return values.reshape(-1, values.shape[2]).index_select(0, flat).reshape(*rows.shape, -1)


def _layer(before: int, after: int, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
    bound = before**-0.5
    weight, bias = (generator.uniform(-bound, bound, (size, after)).astype(np.float32) for size in (before, 1))
    return torch.from_numpy(weight), torch.from_numpy(bias)
