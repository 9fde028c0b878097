"""The nonlinearities of FastICA: projections y go in, g(y) replaces them and the sums of g'(y) come out.

Contrasts of Hyvarinen 1999 (IEEE Trans. Neural Networks 10(3), section III): tanh, the default; exp, the most robust
against outliers; cube (kurtosis), the least. `spare` is memory as large as y to work in.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from semeia.signatures.ica.settings import Nonlinearity

Projections = Float[Tensor, "b k"]
Sums = Float[Tensor, " k"]


def tanh(y: Projections, spare: Projections) -> Sums:
    """g = tanh y, as 2 s(2y) - 1 with the logistic function s: the same values three times as fast on a CPU."""
    y.mul_(2).sigmoid_()
    torch.add(y.new_tensor(-1.0), y, alpha=2, out=y)
    torch.mul(y, y, out=spare)
    return len(y) - spare.sum(0)


def cube(y: Projections, spare: Projections) -> Sums:
    """g = y^3."""
    torch.mul(y, y, out=spare)
    y.mul_(spare)
    return 3 * spare.sum(0)


def exp(y: Projections, spare: Projections) -> Sums:
    """g = y exp(-y^2 / 2)."""
    torch.mul(y, y, out=spare)
    factor = (spare / -2).exp_()
    y.mul_(factor)
    return factor.mul_(spare.neg_().add_(1)).sum(0)


NONLINEARITIES: dict[Nonlinearity, Callable[[Projections, Projections], Sums]] = {
    "tanh": tanh,
    "cube": cube,
    "exp": exp,
}
