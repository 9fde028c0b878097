"""Symmetric FastICA out of core: white rows go in, the rotation that makes them independent comes out.

The algorithm is that of Hyvarinen 1999 with symmetric decorrelation and scikit-learn's criterion of convergence: the
same start gives the same rotation. What differs is that the rows are read in blocks (memory does not grow with them)
and that a fit may start on part of the rows or in bfloat16: each such stage hands its rotation to the next, and the
last stage, the only one that can converge, is on all rows in full precision.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from semeia.errors import InputError
from semeia.signatures.blocks import Samples
from semeia.signatures.nonlinearities import Nonlinearity
from semeia.signatures.processes import from_first
from semeia.signatures.sweep import Means, Pass, rows_of, sweep

# An early stage that has not come closer to a fixed point for so many iterations has given what it can.
STALLED = 10


Stage = Literal["subsample", "bf16", "full"]


@dataclass(frozen=True)
class IcaSettings:
    """How to fit.

    `tolerance`: converged when no row of W turns by more, as 1 - |cosine|. `subsample`: the part of the rows that the
    first stage uses, 1 for none. `products`: "auto" starts in bfloat16 where the device multiplies it natively, "full"
    never, "bf16" always. `threads`: blocks worked on at a time, None for as many as torch has threads. `block`: rows
    to a block. `dtype`: of the white rows.
    """

    nonlinearity: Nonlinearity = "tanh"
    tolerance: float = 1e-4
    most_iterations: int = 400
    seed: int = 0
    subsample: float = 1.0
    products: Literal["auto", "full", "bf16"] = "auto"
    device: str = "cpu"
    threads: int | None = None
    block: int | None = None
    dtype: Literal["float32", "float64"] = "float32"

    def at_once(self) -> int:
        """Blocks worked on at a time."""
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


def fast_ica(
    white: Samples,
    settings: IcaSettings,
    *,
    start: Float[np.ndarray, "rows columns"] | None = None,
    report: Report | None = None,
) -> Unmixing:
    """Fit as many components as `white` has columns.

    Args:
        white: rows with mean zero and the identity as covariance, from `whitened`.
        settings: see there.
        start: where to start, any invertible matrix; None draws one from the seed.
        report: called after every iteration.

    Returns:
        The rotation with its state; not having converged is a state, not an error.

    Raises:
        InputError: `start` is of another size.
    """
    device = torch.device(settings.device)
    rows = rows_of(white, device, settings.block)
    kind = torch.from_numpy(next(iter(white.blocks(1))).copy()).dtype
    first = initial(white.shape[1], seed=settings.seed) if start is None else start
    if first.shape != (white.shape[1],) * 2:
        asked = " x ".join(map(str, first.shape))
        raise InputError(
            f"start: is {asked}, but {white.shape[1]} components are fitted; give a square matrix of them."
        )
    unmixing = decorrelate(torch.tensor(first, dtype=torch.float64, device=device))
    history: list[Iteration] = []
    for stage, how in _stages(settings, device):
        changes: list[float] = []
        while len(changes) < settings.most_iterations and not _done(stage, changes, settings.tolerance):
            began = perf_counter()
            before = unmixing
            unmixing = _updated(before, sweep(rows, before.to(kind), how))
            changes.append(_turned(before, unmixing))
            history.append(Iteration(stage, len(history) + 1, changes[-1], perf_counter() - began))
            if report is not None:
                report(history[-1])
    last = history[-1].change
    return Unmixing(unmixing.cpu().numpy(), last < settings.tolerance, len(history), last, tuple(history))


def initial(components: int, *, seed: int) -> Float[np.ndarray, "k k"]:
    """Where a fit starts: standard normal entries, a function of the seed alone."""
    return np.random.default_rng(seed).standard_normal((components, components))


def decorrelate(matrix: Float[Tensor, "k k"]) -> Float[Tensor, "k k"]:
    """The nearest rotation, (W W')^(-1/2) W."""
    squares, directions = torch.linalg.eigh(matrix @ matrix.T)
    squares = squares.clamp(min=torch.finfo(matrix.dtype).tiny)
    return (directions / squares.sqrt()) @ (directions.T @ matrix)


def _updated(unmixing: Float[Tensor, "k k"], means: Means) -> Float[Tensor, "k k"]:
    moved = decorrelate(means.products - means.slopes[:, None] * unmixing)
    shared = moved.cpu().numpy()
    from_first(shared)
    return torch.from_numpy(shared).to(moved.device)


def _turned(before: Float[Tensor, "k k"], after: Float[Tensor, "k k"]) -> float:
    """The largest 1 - |cosine| between a row and what it was."""
    return float(((before * after).sum(1).abs() - 1).abs().max())


def _stages(settings: IcaSettings, device: torch.device) -> list[tuple[Stage, Pass]]:
    full = Pass(settings.nonlinearity, threads=settings.at_once())
    quick = replace(full, bf16=settings.products == "bf16" or (settings.products == "auto" and has_bf16(device)))
    stages: list[tuple[Stage, Pass]] = []
    if settings.subsample < 1:
        stages.append(("subsample", replace(quick, share=settings.subsample)))
    if quick.bf16:
        stages.append(("bf16", quick))
    return [*stages, ("full", full)]


def _done(stage: Stage, changes: list[float], tolerance: float) -> bool:
    if not changes:
        return False
    stalled = len(changes) > STALLED and min(changes[-STALLED:]) >= min(changes[:-STALLED])
    return changes[-1] < tolerance or (stage != "full" and stalled)


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 natively; emulated, it is many times slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
