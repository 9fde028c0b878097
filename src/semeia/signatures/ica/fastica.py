"""Rotate white rows to independence: symmetric FastICA out of core.

The algorithm is that of Hyvarinen 1999 with symmetric decorrelation and scikit-learn's criterion of convergence: the
same start gives the same rotation. What differs is that the rows are read in blocks (memory does not grow with them)
and that a fit begins with cheaper iterations (`plans`).

A stage hands its rotation to the next. Only the last can converge, so how a fit began changes the number of its
iterations, and within the tolerance nothing else.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from semeia.errors import InputError
from semeia.group import from_first
from semeia.signatures.ica.blocks import ArraySamples, LeadingRows, Samples
from semeia.signatures.ica.moments import moments
from semeia.signatures.ica.settings import IcaSettings, Iteration, Report, Stage, Unmixing, initial
from semeia.signatures.ica.sweep import Pass, Rows, rows_of, sweep
from semeia.signatures.threads import threads_for

# The part of the rows a fit begins with: at least so many for each component, from so many places, and twice as many
# while the first update on them turns the rows of W by more than so much of what noise would turn them by.
ROWS_A_COMPONENT = 50
PLACES = 64
MOST_TURN = 0.9
# Components from which on bfloat16 is faster; with fewer, converting costs more than it saves, and all machines agree.
WIDE = 256
# A part this small is kept in memory.
KEPT_BYTES = 2**23
# A direction with less of its variance in the part is left as it is: the part does not know it.
LEAST_VARIANCE = 0.1
# An early stage that for so many iterations has not come closer to a fixed point has given what it can.
STALLED = 20


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


def plans(white: Samples, settings: IcaSettings, start: Rotation, *, warm: bool) -> Iterator[Plan]:
    """The stages in order; from a `warm` start, which knows more than a part of the rows would, all rows at once."""
    device = start.device
    full = Pass(settings.nonlinearity, threads=settings.at_once())
    pays = settings.products == "auto" and white.shape[1] >= WIDE and has_bf16(device)
    quick = replace(full, bf16=settings.products == "bf16" or pays)
    part = None if warm else _part(white, settings, start, quick)
    if part is not None:
        yield part
    every = rows_of(white, device, settings.block)
    if quick.bf16:
        yield Plan("bf16", every, quick)
    yield Plan("full", every, full)


def _part(white: Samples, settings: IcaSettings, start: Rotation, how: Pass) -> Plan | None:
    """The part of the rows that `settings` asks for, or the smallest that tells a start where to go."""
    if settings.subsample is not None:
        return _part_of(white, settings.subsample, settings, start.device, how) if settings.subsample < 1 else None
    rows, components = white.shape
    share = ROWS_A_COMPONENT * components / rows
    # The mean of 1 - |cosine| to an arbitrary direction.
    by_noise = 1 - math.sqrt(2 / (math.pi * components))
    while share < 0.5:
        plan = _part_of(white, share, settings, start.device, how)
        if float(turned(start, updated(start, plan)).mean()) < MOST_TURN * by_noise:
            return plan
        share *= 2
    return None


def _part_of(white: Samples, share: float, settings: IcaSettings, device: torch.device, how: Pass) -> Plan:
    piece = -(-white.shape[0] // PLACES)
    part: Samples = LeadingRows(white, piece, max(1, round(share * piece)))
    if part.shape[0] * part.shape[1] * 4 <= KEPT_BYTES:
        part = ArraySamples(part.rows(0, part.shape[0]))
    # Made white on their own: the update would drown in what these rows are not white by.
    variances, directions = np.linalg.eigh(moments(part, threads=how.threads).covariance)
    variances = np.where(variances < LEAST_VARIANCE, 1.0, variances)
    whitener = (directions / np.sqrt(variances)) @ directions.T
    return Plan("subsample", rows_of(part, device, settings.block), how, torch.from_numpy(whitener).to(device))


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 natively; emulated, it is many times slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()


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
        start: where to start, any invertible matrix, and then on all rows at once; None draws one from the seed.

    Returns:
        The rotation with its state; not having converged is a state, not an error.
    """
    device = torch.device(settings.device)
    first = initial(white.shape[1], seed=settings.seed) if start is None else start
    if first.shape != (white.shape[1],) * 2:
        asked = " x ".join(map(str, first.shape))
        raise InputError(
            f"start: is {asked}, but {white.shape[1]} components are fitted; give a square matrix of them."
        )
    with threads_for(white.shape[1]):
        return _fit(white, settings, torch.tensor(first, dtype=torch.float64, device=device), start is not None, report)


def _fit(white: Samples, settings: IcaSettings, start: Rotation, warm: bool, report: Report | None) -> Unmixing:
    unmixing = decorrelate(start)
    history: list[Iteration] = []
    for plan in plans(white, settings, unmixing, warm=warm):
        changes: list[float] = []
        means: list[float] = []
        while len(changes) < settings.most_iterations and not _done(plan.stage, changes, means, settings.tolerance):
            began = perf_counter()
            before, unmixing = unmixing, updated(unmixing, plan)
            moved = turned(before, unmixing)
            changes.append(float(moved.max()))
            means.append(float(moved.mean()))
            history.append(Iteration(plan.stage, len(history) + 1, changes[-1], perf_counter() - began))
            if report is not None:
                report(history[-1])
    last = history[-1].change
    return Unmixing(unmixing.cpu().numpy(), last < settings.tolerance, len(history), last, tuple(history))


def _done(stage: Stage, changes: list[float], means: list[float], tolerance: float) -> bool:
    if not changes:
        return False
    stalled = len(means) > STALLED and min(means[-STALLED:]) >= min(means[:-STALLED])
    return changes[-1] < tolerance or (stage != "full" and stalled)
