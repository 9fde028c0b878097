"""Fit signatures to an archive's records: channels, sections, values, scaling, components, stability.

Only the training patients' records are read; nothing of anybody else reaches the model. The matrix of sections and the
white rows live on disk while the fit lasts.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.store import Archive
from semeia.errors import InputError
from semeia.group import add_up, process_of, shared_folder
from semeia.processes import backend
from semeia.signatures.channels import Channels, channels_of
from semeia.signatures.curves import COUNTED, SectionValues
from semeia.signatures.fitted_on import fitted_on
from semeia.signatures.ica.blocks import Samples
from semeia.signatures.ica.settings import Iteration, Report
from semeia.signatures.ica.solvers import Separation, separate
from semeia.signatures.matrix import SectionMatrix, build_matrix, open_matrix
from semeia.signatures.model import Fitting, SignatureModel
from semeia.signatures.sections import sample_sections
from semeia.signatures.settings import SignatureSettings
from semeia.signatures.stability import Stability, stability
from semeia.signatures.streaming import section_values
from semeia.signatures.window import Window, window_of

MOST_COMPONENTS, LEAST_COMPONENTS = 2000, 8
# Patients, not sections, are what a fit has many of: their sections resemble each other.
PATIENTS_A_COMPONENT = 8
SECTIONS_AT_A_TIME = 10_000

Tell = Callable[[str], None]


def fit_signatures(
    archive: Archive,
    subjects: Collection[int],
    *,
    settings: SignatureSettings,
    scratch: Path | None = None,
    report: Tell = lambda words: None,
) -> SignatureModel:
    """Fit signatures to the records of some patients.

    Called by all processes of a group (group.py), it is one fit: the first makes the curves, all fit the components
    and refit them, and each returns the model.

    Args:
        scratch: Folder for the matrix of sections and the white rows while the fit lasts; None: a temporary one. The
            machines of a cluster, and the processes of a group, must see it.
        report: Called now and then with how far the fit is, in words.

    Returns:
        The model. One that did not converge says so, and refuses to express anything unless that was accepted.

    Raises:
        InputError: The records give no channels or no sections, or fewer than two components.
    """
    if len(set(subjects)) < 2:
        raise InputError(f"{archive.path}: signatures need at least two training patients.")
    window = settings.window or window_of(archive)
    channels = channels_of(archive, subjects, least_patients=settings.least_patients)
    sections = sample_sections(
        archive,
        subjects,
        window=window,
        seed=settings.seed,
        per_patient=settings.per_patient,
        at_least=settings.at_least,
    )
    with shared_folder(scratch) as folder, backend(settings.backend):
        stream = section_values(
            archive, sections, channels, window=window, seed=settings.seed, workers=settings.workers
        )
        matrix, counted = _matrix(stream, sections.height, channels, folder, report)
        found = _first_fit(matrix, len(set(subjects)), settings, report)
        stable = _stability(matrix, sections, found, settings, report)
        return _model(archive, subjects, channels, window, sections, matrix, counted, found, stable, settings)


def _matrix(
    stream: Iterable[SectionValues], sections: int, channels: Channels, folder: Path, report: Tell
) -> tuple[SectionMatrix, dict[str, int]]:
    """The matrix of all sections, written by the first process of a group; and what was counted on the way."""
    counts = np.zeros(len(COUNTED), np.int64)

    def watched() -> Iterator[SectionValues]:
        done = 0
        for values in stream:
            yield values
            done += values.rows
            counts[:] += [getattr(values, name) for name in COUNTED]
            report(f"curves at {done:,} of {sections:,} dates")

    if process_of()[0] == 0:
        build_matrix(watched(), channels, into=folder)
    add_up(counts)  # here the others wait, with nothing to add
    return open_matrix(folder), dict(zip(COUNTED, counts.tolist(), strict=True))


def components_to_try(patients: int, wanted: int | None) -> list[int]:
    """Numbers of components, in the order they are tried: the one that is wanted, or half as many again and again."""
    if wanted is not None:
        return [wanted]
    number = int(np.clip(patients // PATIENTS_A_COMPONENT, LEAST_COMPONENTS, MOST_COMPONENTS))
    numbers = [number]
    while numbers[-1] // 2 >= LEAST_COMPONENTS:
        numbers.append(numbers[-1] // 2)
    return numbers


def _first_fit(matrix: SectionMatrix, patients: int, settings: SignatureSettings, report: Tell) -> Separation:
    """The fit with the largest number of components that converges; the smallest where none does."""
    for number in components_to_try(patients, settings.components):

        def tell(step: Iteration, number: int = number) -> None:
            report(
                f"{number} components: iteration {step.number}, a change of {step.change:.1g} "
                f"(converged below {settings.ica.tolerance:g})"
            )

        found = _separate(
            matrix, settings.seed, components=number, settings=settings, scratch=matrix.folder, report=tell
        )
        if found.unmixing.converged:
            break
        report(f"{number} components do not converge in {found.unmixing.iterations} iterations")
    return found


def _separate(
    samples: Samples,
    seed: int,
    *,
    components: int,
    settings: SignatureSettings,
    scratch: Path,
    report: Report | None = None,
) -> Separation:
    return separate(
        samples,
        replace(settings.ica, seed=seed),
        components=components,
        solver=settings.solver,
        trim=True,
        scratch=scratch,
        report=report,
    )


def _mixing(samples: Samples, seed: int, *, components: int, settings: SignatureSettings, scratch: Path) -> np.ndarray:
    """A refit, as the first fit was made, from another start."""
    return _separate(samples, seed, components=components, settings=settings, scratch=scratch).components.mixing


def _stability(
    matrix: SectionMatrix, sections: pl.DataFrame, found: Separation, settings: SignatureSettings, report: Tell
) -> Stability | None:
    if settings.draws + settings.starts == 0:
        return None
    mixing, refits = found.components.mixing, settings.draws + settings.starts
    return stability(
        matrix,
        sections["subject_id"].to_numpy(),
        mixing=mixing,
        refit=partial(_mixing, components=mixing.shape[1], settings=settings, scratch=matrix.folder),
        draws=settings.draws,
        starts=settings.starts,
        seed=settings.seed,
        workers=settings.workers if process_of()[1] == 1 else 1,  # a group makes each refit together
        report=lambda done: report(f"stability: refit {done} of {refits}"),
    )


def _prevalence(matrix: SectionMatrix) -> np.ndarray:
    rows, channels = matrix.shape
    counts = np.zeros(channels)
    for start in range(0, rows, SECTIONS_AT_A_TIME):
        counts += np.bincount(matrix.values(start, min(start + SECTIONS_AT_A_TIME, rows))[1], minlength=channels)
    return counts / rows


def _model(
    archive: Archive,
    subjects: Collection[int],
    channels: Channels,
    window: Window,
    sections: pl.DataFrame,
    matrix: SectionMatrix,
    counted: dict[str, int],
    found: Separation,
    stable: Stability | None,
    settings: SignatureSettings,
) -> SignatureModel:
    unknown = np.full(len(found.components.unmixing), np.nan)
    converged = found.unmixing.converged
    state = "converged" if converged else "accepted" if settings.accept_unconverged else "unconverged"
    return SignatureModel(
        channels=channels,
        scaling=matrix.scaling,
        components=found.components,
        window=window,
        seed=settings.seed,
        stable=unknown if stable is None else stable.typical(),
        stable_low=unknown if stable is None else stable.low(),
        index=unknown if stable is None else stable.index,
        prevalence=_prevalence(matrix),
        fitting=Fitting(
            solver=settings.solver,
            state=state,
            iterations=found.unmixing.iterations,
            last_change=found.unmixing.last_change,
            patients=len(set(subjects)),
            sections=sections.height,
            variance_kept=float(found.whitening.variances.sum() / found.whitening.total_variance),
            **counted,
        ),
        fitted_on=fitted_on(archive, subjects),
    )
