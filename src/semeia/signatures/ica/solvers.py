"""Separate rows into components by any solver: whiten, rotate, bring into the one form.

`SOLVERS` is the table: a new algorithm is one function of white rows in it.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from jaxtyping import Float

from semeia.errors import InputError
from semeia.group import shared_folder
from semeia.signatures.ica.blocks import Samples
from semeia.signatures.ica.components import Components, canonical
from semeia.signatures.ica.moments import section_moments
from semeia.signatures.ica.settings import IcaSettings, Report, Unmixing, initial
from semeia.signatures.ica.whitening import Whitening, whiten, whitened

SolverName = Literal["fastica", "picard"]


class Solver(Protocol):
    """White rows (mean zero, covariance the identity) in, a rotation with its state out."""

    def __call__(self, white: Samples, settings: IcaSettings, *, report: Report | None = None) -> Unmixing: ...


@dataclass(frozen=True)
class Separation:
    """What a fit gives: the components, the whitening under them, and how the solver ended."""

    components: Components
    whitening: Whitening
    unmixing: Unmixing


def separate(
    samples: Samples,
    settings: IcaSettings,
    *,
    components: int | None,
    solver: SolverName = "fastica",
    trim: bool = False,
    scratch: Path | None = None,
    report: Report | None = None,
) -> Separation:
    """Fit independent components of `samples`.

    Args:
        samples: rows of standardised channels; read in two passes, then no more.
        components: how many; None for as many as the samples have.
        trim: take fewer components where the samples have fewer, instead of refusing.
        scratch: a folder for the white rows (rows x components x 4 bytes), which are deleted at the end. None is the
            system's temporary folder, which on some machines is memory. Several processes must all see it.

    Raises:
        InputError: The samples cannot give so many components, or the solver is not installed.
    """
    whitening = whiten(section_moments(samples, threads=settings.at_once()), components=components, trim=trim)
    with shared_folder(scratch) as folder:
        path = folder / "white.npy"
        white = whitened(samples, whitening, path=path, dtype=settings.dtype, threads=settings.at_once())
        found = SOLVERS[solver](white, settings, report=report)
    return Separation(canonical(found.rotation, whitening), whitening, found)


def fastica(white: Samples, settings: IcaSettings, *, report: Report | None = None) -> Unmixing:
    """Symmetric FastICA, `semeia.signatures.ica.fastica`; torch is imported with it."""
    from semeia.signatures.ica.fastica import fast_ica

    return fast_ica(white, settings, report=report)


def picard(white: Samples, settings: IcaSettings, *, report: Report | None = None) -> Unmixing:
    """Picard-O (Ablin, Cardoso & Gramfort 2018): the optimum FastICA seeks, by a quasi-Newton method.

    Holds all rows in memory, in float64, several times; `tolerance` is the largest entry of the gradient. Reports
    nothing on its way.
    """
    try:
        from picard import picard as solve
    except ImportError as error:
        raise InputError("solver: picard is not installed; install it with `pip install python-picard`.") from error
    size = white.shape[1]
    rows = white.rows(0, white.shape[0])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        _, rotation, _, iterations = solve(  # pyright: ignore[reportAssignmentType]
            rows.T,
            fun=settings.nonlinearity,
            whiten=False,
            centering=False,
            return_n_iter=True,
            max_iter=settings.most_iterations,
            tol=settings.tolerance,
            w_init=_orthogonal(initial(size, seed=settings.seed)),
        )
    converged = not any("did not converge" in str(warning.message) for warning in said)
    made = int(iterations) if converged else settings.most_iterations
    return Unmixing(np.asarray(rotation, dtype=np.float64), converged, made, last_change=None)


def _orthogonal(matrix: Float[np.ndarray, "k k"]) -> Float[np.ndarray, "k k"]:
    left, _, right = np.linalg.svd(matrix)
    return left @ right


SOLVERS: dict[SolverName, Solver] = {"fastica": fastica, "picard": picard}
