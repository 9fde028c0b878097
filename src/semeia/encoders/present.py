"""Run a network on what is there, and on nothing else."""

from collections.abc import Callable

import torch

from semeia.shapes import TokenValues
from semeia.spread import by_rows


def of_present(network: Callable[..., torch.Tensor], there: torch.Tensor, *inputs: torch.Tensor) -> TokenValues:
    """Apply a network to the rows that are there; the others cost nothing, become 0, and change no bit of these.

    In an exported graph no shape may hang on the values: there every row is run, and what is absent is put to 0.

    Args:
        network: of rows alone: what it makes of one does not depend on the others.
        inputs: of the network, [..., *] each.

    Returns:
        [..., *].
    """
    if torch.compiler.is_exporting():
        first = there.ndim
        made = network(*(_without(value, there).flatten(0, first - 1) for value in inputs))
        return _without(made.unflatten(0, there.shape), there)
    made = by_rows(network, *(value[there] for value in inputs))
    empty = made.new_zeros(*there.shape, *made.shape[1:])
    return empty.index_put((there,), made)


def _without(value: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """Put absent rows to 0, whatever they hold."""
    rows = there[(..., *[None] * (value.ndim - there.ndim))]
    return value & rows if value.dtype == torch.bool else torch.where(rows, value, torch.zeros_like(value))
