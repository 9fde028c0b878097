"""Whose data something was fitted on: enough to recognise those patients again, not enough to name them.

A patient is known by the head of a SHA-256 of the keyed pseudonym, and, in an archive made with another key, by the
pixels of any image.
"""

from dataclasses import dataclass

import numpy as np

from semeia.archive.keys import MARK_DIGITS, mark
from semeia.views.dataset import PatientData


@dataclass(frozen=True)
class Fingerprint:
    """Sorted marks of patients and of their images."""

    patients: tuple[str, ...]
    images: tuple[str, ...]

    def __or__(self, other: "Fingerprint") -> "Fingerprint":
        """The fingerprint of both groups of patients."""
        return Fingerprint(
            patients=tuple(sorted({*self.patients, *other.patients})),
            images=tuple(sorted({*self.images, *other.images})),
        )

    def seen(self, data: PatientData) -> np.ndarray:
        """Which units are of patients in the fingerprint, bool [unit]."""
        patients, images = set(self.patients), set(self.images)
        known = np.array([mark(name) in patients for name in data.units["pseudonym"]], bool)
        known |= np.array([sha != "" and sha[:MARK_DIGITS] in images for sha in data.image_hash], bool)
        subjects = data.units["subject_id"].to_numpy()
        return np.isin(subjects, subjects[known])


def fingerprint(data: PatientData, rows: np.ndarray) -> Fingerprint:
    """The fingerprint of the patients of some units, all of their images included."""
    subjects = data.units["subject_id"].to_numpy()
    rows = np.flatnonzero(np.isin(subjects, subjects[rows]))
    return Fingerprint(
        patients=tuple(sorted({mark(name) for name in data.units["pseudonym"].gather(rows)})),
        images=tuple(sorted({data.image_hash[row][:MARK_DIGITS] for row in rows if data.image_hash[row]})),
    )
