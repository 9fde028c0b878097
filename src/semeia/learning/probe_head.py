"""Set the weights of a head to the fit of a linear probe on pooled features.

Two classes and several without an order go through scikit-learn; ordered ones are fitted here, by L-BFGS on the head's
own loss with the same penalty.
"""

import numpy as np
import torch
from torch import Tensor

from semeia.learning.probe import FEW_STRENGTHS, fit_outputs, inner_folds
from semeia.objectives.heads.pooled import PooledHead
from semeia.objectives.task import Task, thresholds
from semeia.shapes import ModalityMask, Pooled

ROUNDS = 200


def set_probe(
    head: PooledHead, pooled: Pooled, there: ModalityMask, labels: np.ndarray, patients: np.ndarray, seed: int
) -> None:
    """Puts the weights of an L2-penalised regression into the head, its strength chosen over training patients.

    The head's features are standardised already; labels are 0 or 1, or 0 to classes - 1.
    """
    x, task = head.features(pooled, there), head.task
    if task.kind == "ordinal":
        set_ordinal(head, x, labels, patients, seed)
        return
    classes = task.classes if task.kind == "nominal" else 2
    fitted = fit_outputs(x.numpy(), labels, patients, classes=classes, seed=seed, balanced=bool(task.weights))
    with torch.no_grad():
        head.linear.weight.copy_(torch.from_numpy(fitted.weight))
        head.linear.bias.copy_(torch.from_numpy(fitted.bias))


def set_ordinal(head: PooledHead, x: Tensor, labels: np.ndarray, patients: np.ndarray, seed: int) -> None:
    """Fits the cumulative logits of `PooledHead` on standardised features [n, features]."""
    y, x, task = torch.from_numpy(labels).double(), x.double(), head.task
    strength = FEW_STRENGTHS[1]
    if folds := inner_folds(labels, patients, seed):
        losses = [
            np.mean([_loss(fit_ordinal(x[one], y[one], task, each), x[two], y[two], task) for one, two in folds])
            for each in FEW_STRENGTHS
        ]
        strength = FEW_STRENGTHS[int(np.argmin(losses))]
    weight, bias, steps = fit_ordinal(x, y, task, strength)
    with torch.no_grad():
        head.linear.weight.copy_(weight[None])
        head.linear.bias.copy_(bias)
        head.steps.copy_(steps)


Ordinal = tuple[Tensor, Tensor, Tensor]


def fit_ordinal(x: Tensor, y: Tensor, task: Task, strength: float) -> Ordinal:
    """Weight [features], bias [1] and steps [outputs - 1] that minimise strength * n * loss + |weight|^2 / 2."""
    weight = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    steps = torch.zeros(task.outputs - 1, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([weight, bias, steps], max_iter=ROUNDS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        solver.zero_grad()
        # Per unit, so that the solver's tolerances mean the same at any number of labels.
        penalty = weight.square().sum() / (2 * strength * len(y))
        loss = task.loss(_logits((weight, bias, steps), x), y) + penalty
        loss.backward()
        return loss

    with torch.enable_grad():
        solver.step(closure)
    return weight.detach(), bias.detach(), steps.detach()


def _logits(fitted: Ordinal, x: Tensor) -> Tensor:
    weight, bias, steps = fitted
    return (x @ weight + bias)[:, None] - thresholds(steps)


def _loss(fitted: Ordinal, x: Tensor, y: Tensor, task: Task) -> float:
    return float(task.loss(_logits(fitted, x), y))
