"""Fit linear heads on stored features, that read home patients alone and shall travel: rivals of what reads a site.

Each buys safety outside with score at home, in another way: less of the record, a record that says something else, or
weights that suit two home sites alike.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch.nn import functional as F

from semeia.evaluation.statistics.logistic import fit_logistic
from semeia.learning.probe import fit_linear

STRENGTHS = (1e-3, 1e-2, 1e-1)
STRESSES = (0.0, 0.5, 1.0, 1.5)  # times the link that is taken out of the record
DECAY = 0.1  # of squared weights, beside the mean loss: the strength .1 / n of ridge logistic regression
STEPS = 500
Rows = Float[np.ndarray, " n"]
Part = Float[np.ndarray, "n _"]
Label = Shaped[np.ndarray, " n"]
Head = Callable[..., Rows]


def ridge_head(*parts: Part, label: Label, patients: Label | None = None) -> Head:
    """Fit ridge logistic regression on columns side by side, its strength by cross-validation; gives log-odds.

    `patients` says whose each row is, for the folds; a row each by default.
    """
    x, patients = np.column_stack(parts), np.arange(len(label)) if patients is None else patients
    mean, sd = x.mean(0), x.std(0) + 1e-6
    fitted = fit_linear((x - mean) / sd, label, patients, seed=0, strengths=STRENGTHS)
    return _linear(mean, sd, fitted.weight, fitted.bias)


def anchored_head(anchor: Rows, part: Part, label: Label, *, penalty: float) -> Head:
    """Add a shrunk correction by columns to the out-of-fold log-odds of another head; without evidence it is 0.

    The penalty is of the squared weights, against the summed log-likelihood. Gives what takes both of further patients.
    """
    mean, sd = part.mean(0), part.std(0) + 1e-6
    design = np.column_stack([np.ones(len(part)), (part - mean) / sd])
    weights = fit_logistic(design, label, offset=anchor, penalty=np.append(0.0, np.full(part.shape[1], penalty)))
    return lambda other, columns: other + weights[0] + (columns - mean) / sd @ weights[1:]


def dropout_head(image: Part, record: Part, label: Label) -> Head:
    """Fit on every patient twice, with the record and with its mean in its place."""
    records = np.concatenate([record, np.broadcast_to(record.mean(0), record.shape)])
    return _on_copies(image, records, label)


def stressed_head(image: Part, record: Part, label: Label) -> Head:
    """Fit on every patient several times, with more and more of the record's link with the label taken out of it.

    The link is the slope of the record on the label, given the image; from 1 on it is gone, then turned round.
    """
    signed = 2.0 * label - 1
    link = np.linalg.lstsq(np.column_stack([signed, np.ones(len(label)), image]), record, rcond=None)[0][0]
    return _on_copies(image, np.concatenate([record - share * np.outer(signed, link) for share in STRESSES]), label)


def invariant_head(x: Part, label: Label, site: Label, *, variance: float | None) -> Head:
    """Fit logistic regression that suits every home site.

    `variance` is the weight of the variance of the sites' losses beside their mean (V-REx, Krueger et al. 2021); None:
    the worst site counts alone (GroupDRO, Sagawa et al. 2020).
    """
    mean, sd = x.mean(0), x.std(0) + 1e-6
    z, y = torch.from_numpy((x - mean) / sd).double(), torch.from_numpy(label).double()
    weight, bias = torch.zeros(x.shape[1], dtype=torch.double), torch.zeros((), dtype=torch.double)
    optimiser = torch.optim.Adam([weight.requires_grad_(), bias.requires_grad_()], lr=0.02)
    for _ in range(STEPS):
        losses = F.binary_cross_entropy_with_logits(z @ weight + bias, y, reduction="none")
        risks = torch.stack([losses[torch.from_numpy(site == one)].mean() for one in np.unique(site)])
        whole = risks.max() if variance is None else risks.mean() + variance * risks.var(correction=0)
        optimiser.zero_grad()
        (whole + DECAY / 2 * weight.square().sum()).backward()
        optimiser.step()
    return _linear(mean, sd, weight.detach().numpy(), float(bias.detach()))


def _linear(mean: Rows, sd: Rows, weight: Rows, bias: float) -> Head:
    """Score columns side by side, standardised as the training rows were."""
    return lambda *others: (np.column_stack(others) - mean) / sd @ weight + bias


def _on_copies(image: Part, records: Float[np.ndarray, "copy _"], label: Label) -> Head:
    times, rows = len(records) // len(label), np.arange(len(label))
    return ridge_head(np.tile(image, (times, 1)), records, label=np.tile(label, times), patients=np.tile(rows, times))
