"""Update a rotation once by FastICA, and say how far it turned."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from semeia.signatures.ica.group import from_first
from semeia.signatures.ica.settings import Stage
from semeia.signatures.ica.sweep import Pass, Rows, sweep

Rotation = Float[Tensor, "k k"]


@dataclass(frozen=True)
class Plan:
    """A stage of a fit: its rows, how to go over them, and what makes them white where they are not."""

    stage: Stage
    rows: Rows
    how: Pass
    whitener: Rotation | None = None


def updated(unmixing: Rotation, plan: Plan) -> Rotation:
    """The rotation after one update by the rows of a stage (Hyvarinen 1999, eq. 20), the same in all processes."""
    if plan.whitener is None:
        means = sweep(plan.rows, unmixing, plan.how)
        moved = means.products - means.slopes[:, None] * unmixing
    else:
        means = sweep(plan.rows, unmixing @ plan.whitener, plan.how)
        moved = means.products @ plan.whitener - means.slopes[:, None] * unmixing
    shared = decorrelate(moved).cpu().numpy()
    from_first(shared)
    return torch.from_numpy(shared).to(unmixing.device)


def turned(before: Rotation, after: Rotation) -> Float[Tensor, " k"]:
    """1 - |cosine| between each row and what it was."""
    return ((before * after).sum(1).abs() - 1).abs()


def decorrelate(matrix: Rotation) -> Rotation:
    """The nearest rotation, (W W')^(-1/2) W."""
    squares, directions = torch.linalg.eigh(matrix @ matrix.T)
    squares = squares.clamp(min=torch.finfo(matrix.dtype).tiny)
    return (directions / squares.sqrt()) @ (directions.T @ matrix)
