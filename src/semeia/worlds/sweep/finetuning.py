"""Fit stacked networks to few labels: encoders and a linear head, the best step by a fifth that is held out.

The head reads embeddings standardised by the training patients, in which a missing modality is at its mean, as
objectives/supervised.py has it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from semeia.ranges import ABOVE_0, FROM_0, FROM_1, require_ranges
from semeia.worlds.draws import generator
from semeia.worlds.sweep.networks import MODALITIES, Encoders, Rows, Stacked, rows_of
from semeia.worlds.sweep.pretraining import draw_rows

VALIDATION = 5  # one patient in so many
Features = dict[str, Float[Tensor, "source patient _"]]
Present = Bool[Tensor, "cell row modality"]


@dataclass(frozen=True)
class SmallFinetuning:
    """How networks meet labels.

    Attributes:
        steps: of the optimiser.
        batch: patients a step, drawn with replacement.
        lr: learning rate of heads, and of encoders that start from chance.
        lr_pretrained: of encoders that were pretrained.
        weight_decay: of all.
        every: steps between two looks at the held-out fifth.
    """

    steps: int = 400
    batch: int = 64
    lr: float = 2e-3
    lr_pretrained: float = 1e-3
    weight_decay: float = 0.01
    every: int = 20

    def __post_init__(self) -> None:
        rates = {"lr": ABOVE_0, "lr_pretrained": FROM_0, "weight_decay": FROM_0}
        require_ranges("finetuning", self, dict.fromkeys(("steps", "batch", "every"), FROM_1) | rates)


@dataclass(frozen=True)
class Labelled:
    """Labelled patients of several sources, training rows first, then the held-out fifth, then what fills up.

    Attributes:
        values: standardised features by modality; 0 where missing.
        present: which modalities a patient has, [source, row, modality].
        label: 0 or 1.
        training: number of training rows of each source.
        count: number of rows of each source.
    """

    values: Features
    present: Bool[Tensor, "source patient modality"]
    label: Float[Tensor, "source patient"]
    training: Int[np.ndarray, " source"]
    count: Int[np.ndarray, " source"]


class Classifiers(nn.Module):
    """A classifier of every cell; `allowed` says which modalities each may read, [cell, modality]."""

    def __init__(self, encoders: Encoders, allowed: Bool[Tensor, "cell modality"]) -> None:
        super().__init__()
        self.encoders = encoders
        self.allowed: Tensor
        self.register_buffer("allowed", allowed)
        cells = len(allowed)
        self.weight = nn.Parameter(torch.zeros(cells, len(MODALITIES) * encoders.width, 1))
        self.bias = nn.Parameter(torch.zeros(cells, 1, 1))
        self.mean = torch.zeros(cells, 1, len(MODALITIES) * encoders.width)
        self.sd = torch.ones_like(self.mean)

    def embed(self, values: dict[str, Stacked], present: Present) -> Stacked:
        """Standardised embeddings of all modalities side by side; 0, the mean, where one is missing or not allowed."""
        joined = torch.cat([self.encoders[name](values[name]) for name in MODALITIES], -1)
        there = (present & self.allowed[:, None]).repeat_interleave(self.encoders.width, -1)
        return torch.where(there, (joined - self.mean) / self.sd, 0.0)

    def forward(
        self, values: dict[str, Stacked], present: Bool[Tensor, "cell row modality"]
    ) -> Float[Tensor, "cell row"]:
        """Logits."""
        return torch.baddbmm(self.bias, self.embed(values, present), self.weight)[..., 0]

    @torch.no_grad()
    def standardise_by(self, values: dict[str, Stacked], present: Present) -> None:
        """Fit mean and deviation of each embedding on rows that have the modality."""
        joined = torch.cat([self.encoders[name](values[name]) for name in MODALITIES], -1)
        weight = present.repeat_interleave(self.encoders.width, -1).float()
        total = weight.sum(1, keepdim=True).clamp(min=1)
        self.mean = (joined * weight).sum(1, keepdim=True) / total
        self.sd = (((joined - self.mean).square() * weight).sum(1, keepdim=True) / total).sqrt().clamp(min=1e-3)

    def of_cells(self, cells: Int[Tensor, " cell"]) -> "Classifiers":
        """Copy some cells."""
        part = Classifiers(self.encoders.of_cells(cells), self.allowed[cells])
        part.weight.data, part.bias.data = self.weight.data[cells], self.bias.data[cells]
        part.mean, part.sd = self.mean[cells], self.sd[cells]
        return part


def finetune(
    labelled: Labelled,
    source: Int[Tensor, " cell"],
    encoders: Encoders,
    *,
    allowed: Bool[Tensor, "cell modality"],
    lr_encoder: float,
    settings: SmallFinetuning,
    seeds: list[int],
) -> Classifiers:
    """Fit one classifier a cell; keep the step with the least loss on its held-out fifth.

    `source` says whose patients a cell learns from, `allowed` which modalities it may read; encoders, where each
    starts, are trained in place, at a rate of their own.
    """
    model = Classifiers(encoders, allowed)
    training, count = (torch.from_numpy(rows)[source] for rows in (labelled.training, labelled.count))
    model.standardise_by(*_of_rows(labelled, source, *_span(torch.zeros_like(training), training)))
    head = [model.weight, model.bias]
    groups = [{"params": [*encoders.parameters()], "lr": lr_encoder}, {"params": head, "lr": settings.lr}]
    optimiser = torch.optim.AdamW(groups, weight_decay=settings.weight_decay, foreach=True)
    generators = [generator(seed, "labelled batches") for seed in seeds]
    drawn = draw_rows(generators, training.numpy(), steps=settings.steps, batch=settings.batch)
    held_out, inside = _span(training, count)
    parameters = [*model.parameters()]
    best = [parameter.detach().clone() for parameter in parameters]
    least = torch.full((len(seeds),), torch.inf)
    for step in range(settings.steps):
        optimiser.zero_grad()
        _losses(model, labelled, source, drawn[step]).mean(1).sum().backward()
        optimiser.step()
        if (step + 1) % settings.every == 0:
            with torch.no_grad():
                losses = (_losses(model, labelled, source, held_out) * inside).sum(1) / inside.sum(1)
            better = losses < least
            least = torch.where(better, losses, least)
            for kept, now in zip(best, parameters, strict=True):
                kept[better] = now.detach()[better]
    for kept, now in zip(best, parameters, strict=True):
        now.data = kept
    return model.requires_grad_(False)


def _losses(
    model: Classifiers, labelled: Labelled, source: Int[Tensor, " cell"], rows: Rows
) -> Float[Tensor, "cell row"]:
    values, present = _of_rows(labelled, source, rows)
    return F.binary_cross_entropy_with_logits(
        model(values, present), labelled.label[source[:, None], rows], reduction="none"
    )


def _of_rows(
    labelled: Labelled, source: Int[Tensor, " cell"], rows: Rows, inside: Bool[Tensor, "cell row"] | None = None
) -> tuple[dict[str, Stacked], Present]:
    """Features and presence of rows; what is not inside is present in no modality."""
    values = {name: rows_of(labelled.values[name], source, rows) for name in MODALITIES}
    present = labelled.present[source[:, None], rows]
    return values, present if inside is None else present & inside[..., None]


def _span(first: Int[Tensor, " cell"], end: Int[Tensor, " cell"]) -> tuple[Rows, Bool[Tensor, "cell row"]]:
    """Rows from `first` up to `end` of each cell, as many for all, and which of them are meant."""
    rows = first[:, None] + torch.arange(int((end - first).max()))
    inside = rows < end[:, None]
    return torch.where(inside, rows, 0), inside
