"""Pretrain stacked encoders without labels: predict one modality's latent from the other's (JEPA), or tell pairs apart.

JEPA here is objectives/latent_prediction.py for a patient of two tokens under modality masks, with perceptrons in the
place of transformers: layer-normed, centred targets of a moving average, smooth L1, the guards of VICReg.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from semeia.objectives.guards import covariance_penalty, variance_hinge
from semeia.objectives.momentum import momentum_copy, update_momentum
from semeia.ranges import ABOVE_0, FROM_0, FROM_1, SHARE, require_ranges
from semeia.worlds.draws import generator
from semeia.worlds.sweep.networks import MODALITIES, Encoders, Perceptrons, Stacked, rows_of

Objective = Literal["ema", "ema+vicreg", "vicreg", "clip"]
CellLoss = Float[Tensor, " cell"]
_DRAWN_AHEAD = 50  # steps


@dataclass(frozen=True)
class SmallPretraining:
    """Small networks and how they are pretrained.

    Attributes:
        hidden: width of the encoders' hidden layer.
        width: of the embedding of a modality.
        predictor: width of the predictors' hidden layer.
        steps: of the optimiser.
        batch: patients a step.
        lr: learning rate at its highest; it rises for a twentieth of the steps, then falls as a cosine.
        ema: momentum of the target encoders at the first step; it rises to 1.
        variance: coefficient of the variance hinge.
        covariance: coefficient of the covariance penalty.
        temperature: of "clip".
    """

    hidden: int = 32
    width: int = 16
    predictor: int = 32
    steps: int = 1000
    batch: int = 128
    lr: float = 2e-3
    ema: float = 0.99
    variance: float = 1.0
    covariance: float = 10.0
    temperature: float = 0.1

    def __post_init__(self) -> None:
        counts = dict.fromkeys(("hidden", "width", "predictor", "steps", "batch"), FROM_1)
        weights = dict.fromkeys(("variance", "covariance"), FROM_0)
        require_ranges("pretraining", self, counts | weights | {"lr": ABOVE_0, "temperature": ABOVE_0, "ema": SHARE})


@dataclass(frozen=True)
class Pairs:
    """Standardised features of the patients who have both modalities, of several sources (unlabelled archives).

    Attributes:
        values: by modality, [source, row, feature]; filled up where a source has fewer rows.
        count: rows of each source.
    """

    values: dict[str, Float[Tensor, "source patient _"]]
    count: Int[np.ndarray, " source"]


class SmallObjective(nn.Module):
    """What is learnt without labels, of every cell at once: JEPA with one of three guards, or "clip"; a seed a cell."""

    def __init__(
        self, inputs: dict[str, int], *, objective: Objective, settings: SmallPretraining, seeds: list[int]
    ) -> None:
        super().__init__()
        self.objective, self.settings = objective, settings
        self.encoders = fresh_encoders(inputs, settings=settings, seeds=seeds)
        sizes = (settings.width, settings.predictor, settings.width)
        self.predictors = nn.ModuleDict(
            {name: Perceptrons(sizes, [generator(seed, "predictor", name) for seed in seeds]) for name in MODALITIES}
        )
        self.targets = momentum_copy(self.encoders) if objective.startswith("ema") else None
        self.centre: Tensor
        self.register_buffer("centre", torch.zeros(2, len(seeds), 1, settings.width))

    def losses(self, values: dict[str, Stacked], step: int) -> CellLoss:
        """Loss of each cell."""
        latents = [self.encoders[name](values[name]) for name in MODALITIES]
        if self.objective == "clip":
            return _contrast(*latents, temperature=self.settings.temperature)
        teacher = self.encoders if self.targets is None else self.targets
        with torch.set_grad_enabled(self.targets is None and torch.is_grad_enabled()):
            targets = [F.layer_norm(teacher[name](values[name]), (self.settings.width,)) for name in MODALITIES]
        with torch.no_grad():
            self.centre.lerp_(
                torch.stack([target.mean(1, keepdim=True) for target in targets]), max(0.02, 1 / (step + 1))
            )
        total = torch.zeros(())
        for name, latent, target, centre in zip(MODALITIES, latents, targets[::-1], self.centre.flip(0), strict=True):
            predicted = self.predictors[name](latent)
            total = total + F.smooth_l1_loss(predicted, target - centre, reduction="none").mean((1, 2)) / 2
            if self.objective != "ema":
                variance, covariance = (torch.func.vmap(term)(latent) for term in (variance_hinge, covariance_penalty))
                total = total + (self.settings.variance * variance + self.settings.covariance * covariance) / 2
        return total

    def after_step(self, progress: float) -> None:
        """Move the target encoders."""
        if self.targets is not None:
            update_momentum(
                self.targets, self.encoders, momentum=self.settings.ema + (1 - self.settings.ema) * progress
            )

    def pretrained(self) -> Encoders:
        """Give what is kept: the target encoders where there are any."""
        return self.encoders if self.targets is None else self.targets


def pretrain(
    pairs: Pairs, source: Int[Tensor, " cell"], *, objective: Objective, settings: SmallPretraining, seeds: list[int]
) -> Encoders:
    """Pretrain one cell a seed, which decides its weights and batches, each on the patients of its source."""
    inputs = {name: pairs.values[name].shape[2] for name in MODALITIES}
    model = SmallObjective(inputs, objective=objective, settings=settings, seeds=seeds)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=settings.lr, weight_decay=0.0, foreach=True)
    generators = [generator(seed, "batches") for seed in seeds]
    counts = pairs.count[source.numpy()]
    for step in range(settings.steps):
        if step % _DRAWN_AHEAD == 0:
            ahead = draw_rows(generators, counts, steps=min(_DRAWN_AHEAD, settings.steps - step), batch=settings.batch)
        rows = ahead[step % _DRAWN_AHEAD]
        for group in optimiser.param_groups:
            group["lr"] = settings.lr * warmed_cosine(step, settings.steps)
        optimiser.zero_grad()
        losses = model.losses({name: rows_of(pairs.values[name], source, rows) for name in MODALITIES}, step)
        losses.sum().backward()
        optimiser.step()
        model.after_step((step + 1) / settings.steps)
    return model.pretrained().requires_grad_(False)


def fresh_encoders(inputs: dict[str, int], *, settings: SmallPretraining, seeds: list[int]) -> Encoders:
    """Encoders with the weights that they start from; every arm of a seed starts from the same."""
    sizes = {name: (features, settings.hidden, settings.width) for name, features in inputs.items()}
    return Encoders(
        {name: Perceptrons(sizes[name], [generator(seed, "encoder", name) for seed in seeds]) for name in sizes}
    )


def draw_rows(
    generators: list[np.random.Generator], counts: Int[np.ndarray, " cell"], *, steps: int, batch: int
) -> Int[Tensor, "step cell row"]:
    """Rows of some steps of each cell, with replacement: each generator's next, whatever the other cells are."""
    drawn = [one.integers(0, count, (steps, batch)) for one, count in zip(generators, counts, strict=True)]
    return torch.from_numpy(np.stack(drawn, 1))


def warmed_cosine(step: int, steps: int) -> float:
    """Share of the highest learning rate: rising for a twentieth of the steps, then falling to 0 as a cosine."""
    rising = max(1, steps // 20)
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + float(np.cos(np.pi * (step - rising) / max(1, steps - rising))))


def _contrast(image: Stacked, record: Stacked, *, temperature: float) -> CellLoss:
    """InfoNCE both ways over a cell's batch (CLIP)."""
    logits = F.normalize(image, dim=-1) @ F.normalize(record, dim=-1).mT / temperature
    own = torch.arange(logits.shape[1]).expand(len(logits), -1)
    both = [F.cross_entropy(side.mT, own, reduction="none").mean(1) for side in (logits, logits.mT)]
    return (both[0] + both[1]) / 2
