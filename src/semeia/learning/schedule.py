"""Order, rate and decay as pure functions of the step: what makes a killed run resume to the bit."""

from dataclasses import dataclass

import numpy as np
import torch

from semeia.objectives.step import Step
from semeia.ranges import ABOVE_0, FROM_0, FROM_1, SHARE, require_ranges


@dataclass(frozen=True)
class OptimiserSettings:
    """AdamW with linear warm-up and cosine decay.

    Attributes:
        epochs: passes over the units; ignored where `steps` is set.
        steps: number of steps, where it should not depend on the number of units.
        batch: units a step; a smaller set is taken whole.
        lr: peak learning rate.
        encoder_lr: peak rate of the encoder, where it differs; of its fusion, which is drawn anew, it is `lr`.
        warmup: share of the steps.
        weight_decay: at the first and at the last step (cosine between); none on vectors and biases.
        clip: largest gradient norm.
    """

    epochs: int = 40
    steps: int | None = None
    batch: int = 64
    lr: float = 1e-3
    encoder_lr: float | None = None
    warmup: float = 0.1
    weight_decay: tuple[float, float] = (0.05, 0.05)
    clip: float = 1.0

    def __post_init__(self) -> None:
        whole = dict.fromkeys(("epochs", "steps", "batch"), FROM_1)
        require_ranges("optimiser", self, whole | {"lr": ABOVE_0, "encoder_lr": FROM_0, "warmup": SHARE})
        require_ranges("optimiser", self, {"weight_decay": FROM_0, "clip": ABOVE_0})

    def per_epoch(self, units: int) -> int:
        """Steps in a pass over the units; the last, smaller batch is left out, but never the only one."""
        return max(units // self.batch, 1)

    def total(self, units: int) -> int:
        """Number of steps."""
        return self.steps if self.steps is not None else self.epochs * self.per_epoch(units)


def batch_rows(step: Step, units: int, settings: OptimiserSettings) -> np.ndarray:
    """Which units are in a step's batch: an epoch's permutation is a function of (seed, epoch)."""
    epoch, place = divmod(step.index, settings.per_epoch(units))
    order = np.random.default_rng([step.seed, epoch]).permutation(units)
    return order[place * settings.batch : (place + 1) * settings.batch]


def lr_at(step: Step, settings: OptimiserSettings) -> float:
    """Share of the peak rate: linear warm-up, then half a cosine down to 0.1 %."""
    warm = max(round(settings.warmup * step.total), 1)
    if step.index < warm:
        return (step.index + 1) / warm
    place = (step.index - warm) / max(step.total - warm, 1)
    return 0.001 + 0.999 * 0.5 * (1 + float(np.cos(np.pi * place)))


def make_optimiser(objective: torch.nn.Module, settings: OptimiserSettings) -> torch.optim.AdamW:
    """Four groups at most: (encoder, rest) x (decayed, not decayed). `peak` and `decayed` are read by `tune`."""
    groups: dict[tuple[float, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in objective.named_parameters():
        if parameter.requires_grad:
            own = settings.encoder_lr is not None and name.startswith("encoder.")
            own = own and not name.startswith("encoder.fusion.")
            peak = settings.encoder_lr if own and settings.encoder_lr is not None else settings.lr
            groups.setdefault((peak, parameter.ndim > 1), []).append(parameter)
    described = [
        {"params": members, "lr": peak, "peak": peak, "decayed": decayed} for (peak, decayed), members in groups.items()
    ]
    return torch.optim.AdamW(described, betas=(0.9, 0.98), eps=1e-6, fused=True)


def tune(optimiser: torch.optim.Optimizer, step: Step, settings: OptimiserSettings) -> None:
    """Sets this step's rates and decays."""
    first, last = settings.weight_decay
    decay = last + (first - last) * 0.5 * (1 + float(np.cos(np.pi * step.progress)))
    for group in optimiser.param_groups:
        group["lr"] = group["peak"] * lr_at(step, settings)
        group["weight_decay"] = decay if group["decayed"] else 0.0
