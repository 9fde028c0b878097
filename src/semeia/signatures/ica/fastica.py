"""Symmetric FastICA out of core: white rows go in, the rotation that makes them independent comes out.

The algorithm is that of Hyvarinen 1999 with symmetric decorrelation and scikit-learn's criterion of convergence: the
same start gives the same rotation. What differs is that the rows are read in blocks (memory does not grow with them)
and that a fit begins with cheaper iterations (`stages.py`).
"""

from time import perf_counter

import numpy as np
import torch
from jaxtyping import Float

from semeia.errors import InputError
from semeia.signatures.ica.blocks import Samples
from semeia.signatures.ica.settings import IcaSettings, Iteration, Report, Stage, Unmixing, initial
from semeia.signatures.ica.stages import plans
from semeia.signatures.ica.update import Rotation, decorrelate, turned, updated
from semeia.signatures.threads import threads_for

# An early stage that for so many iterations has not come closer to a fixed point has given what it can.
STALLED = 20


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
