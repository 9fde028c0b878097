"""Set how independent components are fitted, and say how a fit went. Nothing here needs torch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from semeia.errors import InputError

Nonlinearity = Literal["tanh", "cube", "exp"]
Stage = Literal["subsample", "bf16", "full"]


@dataclass(frozen=True)
class IcaSettings:
    """How to fit.

    Attributes:
        nonlinearity: g of FastICA; picard takes the density that goes with it.
        tolerance: converged when no row of W turns by more, as 1 - |cosine|.
        most_iterations: of each stage.
        seed: of the start.
        subsample: the part of the rows that a fit begins with; None finds one, 1 goes to all rows at once.
        products: "auto" begins in bfloat16 where the device multiplies it natively and there are many components,
            "full" never, "bf16" always.
        device: as torch names it.
        threads: blocks worked on at a time; None for as many as torch has threads.
        block: rows to a block; None for what suits the cache.
        dtype: of the white rows.
    """

    nonlinearity: Nonlinearity = "tanh"
    tolerance: float = 1e-4
    most_iterations: int = 400
    seed: int = 0
    subsample: float | None = None
    products: Literal["auto", "full", "bf16"] = "auto"
    device: str = "cpu"
    threads: int | None = None
    block: int | None = None
    dtype: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        for name in ("most_iterations", "threads", "block"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"ica: {name} is {value}; it must be 1 or more.")
        if not self.tolerance > 0 or not (self.subsample is None or 0 < self.subsample <= 1):
            raise InputError(
                f"ica: tolerance {self.tolerance} must be above 0, subsample {self.subsample} above 0 and at most 1."
            )

    def at_once(self) -> int:
        """Blocks worked on at a time."""
        import torch

        return self.threads or torch.get_num_threads()


@dataclass(frozen=True)
class Iteration:
    """One update: which stage, its number in the whole fit, how far the rotation turned, what it took."""

    stage: Stage
    number: int
    change: float
    seconds: float


@dataclass(frozen=True)
class Unmixing:
    """A rotation of white rows, and whether it was found: `last_change` is None where a solver does not tell."""

    rotation: Float[np.ndarray, "k k"]
    converged: bool
    iterations: int
    last_change: float | None
    history: tuple[Iteration, ...] = ()


Report = Callable[[Iteration], None]


def initial(components: int, *, seed: int) -> Float[np.ndarray, "k k"]:
    """Where a fit starts: standard normal entries, a function of the seed alone."""
    return np.random.default_rng(seed).standard_normal((components, components))
