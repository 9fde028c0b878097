"""Symmetric FastICA out of core: white rows go in, the rotation that makes them independent comes out.

The algorithm is that of Hyvarinen 1999 with symmetric decorrelation and scikit-learn's criterion of convergence: the
same start gives the same rotation. What differs is that the rows are read in blocks (memory does not grow with them)
and that a fit may begin with cheaper iterations, on part of the rows or in bfloat16. Each such stage hands its rotation
to the next; only the last, on all rows in full precision, can converge.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from semeia.errors import InputError
from semeia.signatures.blocks import LeadingRows, Samples
from semeia.signatures.nonlinearities import Nonlinearity
from semeia.signatures.processes import from_first
from semeia.signatures.sweep import Pass, Rows, rows_of, sweep
from semeia.signatures.whitening import moments

# A part of the rows has at least so many for each component: enough to come near, few enough to pay.
ROWS_A_COMPONENT = 50
# The part is taken from so many places.
PLACES = 256
# A direction with less of its variance in the part is left as it is: the part does not know it.
LEAST_VARIANCE = 0.1
# An early stage that has not come closer to a fixed point for so many iterations has given what it can.
STALLED = 20

Stage = Literal["subsample", "bf16", "full"]


@dataclass(frozen=True)
class IcaSettings:
    """How to fit.

    `tolerance`: converged when no row of W turns by more, as 1 - |cosine|. `subsample`: the part of the rows that a fit
    begins with; None for 50 a component where that is less than half, 1 for no such beginning. `products`: "auto" begins
    in bfloat16 where the device multiplies it natively, "full" never, "bf16" always. `threads`: blocks worked on at a
    time; None for as many as torch has threads. `block`: rows to a block. `dtype`: of the white rows.
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


@dataclass(frozen=True)
class _Plan:
    """One stage: its rows, how to go over them, and what makes them white if they are not."""

    stage: Stage
    rows: Rows
    how: Pass
    whitener: Float[Tensor, "k k"] | None = None


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
        start: where to start, any invertible matrix, and then on all rows at once; None draws one from the seed.
        report: called after every iteration.

    Returns:
        The rotation with its state; not having converged is a state, not an error.

    Raises:
        InputError: `start` is of another size.
    """
    device = torch.device(settings.device)
    kind = torch.from_numpy(next(iter(white.blocks(1))).copy()).dtype
    first = initial(white.shape[1], seed=settings.seed) if start is None else start
    if first.shape != (white.shape[1],) * 2:
        asked = " x ".join(map(str, first.shape))
        raise InputError(
            f"start: is {asked}, but {white.shape[1]} components are fitted; give a square matrix of them."
        )
    unmixing = decorrelate(torch.tensor(first, dtype=torch.float64, device=device))
    history: list[Iteration] = []
    for plan in _plans(white, settings, device, warm=start is not None):
        changes: list[float] = []
        while len(changes) < settings.most_iterations and not _done(plan.stage, changes, settings.tolerance):
            began = perf_counter()
            before = unmixing
            unmixing = _updated(before, plan, kind)
            changes.append(_turned(before, unmixing))
            history.append(Iteration(plan.stage, len(history) + 1, changes[-1], perf_counter() - began))
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


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 natively; emulated, it is many times slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()


def _plans(white: Samples, settings: IcaSettings, device: torch.device, *, warm: bool) -> Iterator[_Plan]:
    full = Pass(settings.nonlinearity, threads=settings.at_once())
    native = settings.products == "auto" and has_bf16(device)
    quick = replace(full, bf16=settings.products == "bf16" or native)
    rows, components = white.shape
    share = settings.subsample
    if share is None:
        share = ROWS_A_COMPONENT * components / rows
        share = 1.0 if share > 0.5 else share
    if share < 1 and not warm:
        piece = -(-rows // PLACES)
        part = LeadingRows(white, piece, max(1, round(share * piece)))
        whitener = torch.from_numpy(_whitener(part)).to(device)
        yield _Plan("subsample", rows_of(part, device, settings.block), quick, whitener)
    every = rows_of(white, device, settings.block)
    if quick.bf16:
        yield _Plan("bf16", every, quick)
    yield _Plan("full", every, full)


def _whitener(part: Samples) -> Float[np.ndarray, "k k"]:
    """Makes a part of white rows white. Without it the update drowns in what the part is not white by."""
    variances, directions = np.linalg.eigh(moments(part).covariance)
    variances = np.where(variances < LEAST_VARIANCE, 1.0, variances)
    return (directions / np.sqrt(variances)) @ directions.T


def _updated(unmixing: Float[Tensor, "k k"], plan: _Plan, kind: torch.dtype) -> Float[Tensor, "k k"]:
    projection = unmixing if plan.whitener is None else unmixing @ plan.whitener
    means = sweep(plan.rows, projection.to(kind), plan.how)
    products = means.products if plan.whitener is None else means.products @ plan.whitener
    moved = decorrelate(products - means.slopes[:, None] * unmixing)
    shared = moved.cpu().numpy()
    from_first(shared)
    return torch.from_numpy(shared).to(moved.device)


def _turned(before: Float[Tensor, "k k"], after: Float[Tensor, "k k"]) -> float:
    """The largest 1 - |cosine| between a row and what it was."""
    return float(((before * after).sum(1).abs() - 1).abs().max())


def _done(stage: Stage, changes: list[float], tolerance: float) -> bool:
    if not changes:
        return False
    stalled = len(changes) > STALLED and min(changes[-STALLED:]) >= min(changes[:-STALLED])
    return changes[-1] < tolerance or (stage != "full" and stalled)
