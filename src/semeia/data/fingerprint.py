"""Mark whose data something was fitted on: enough to recognise those patients again, not enough to name them.

A patient is known by the head of a SHA-256 of the keyed pseudonym, and, in an archive made with another key, by the
content of any observation.
"""

from dataclasses import dataclass

import numpy as np

from semeia.archive.keys import MARK_DIGITS, mark
from semeia.data.dataset import Dataset


@dataclass(frozen=True)
class Fingerprint:
    """Sorted marks of patients and of their images."""

    patients: tuple[str, ...]
    images: tuple[str, ...] = ()

    def __or__(self, other: "Fingerprint") -> "Fingerprint":
        """Join two groups of patients."""
        return Fingerprint(
            patients=tuple(sorted({*self.patients, *other.patients})),
            images=tuple(sorted({*self.images, *other.images})),
        )

    def seen(self, data: Dataset) -> np.ndarray:
        """Find the units of patients in the fingerprint, bool [unit]."""
        patients, images = set(self.patients), set(self.images)
        known = np.array([mark(name) in patients for name in data.units["pseudonym"]], bool)
        for observed in data.observations.values():
            same = np.array([sha != "" and sha[:MARK_DIGITS] in images for sha in observed.sha256], bool)
            if same.any():
                known |= (same[observed.slot] & (observed.slot >= 0)).any(1)
        return np.isin(data.subjects, data.subjects[known])


def fingerprint(data: Dataset, rows: np.ndarray) -> Fingerprint:
    """Take the fingerprint of the patients of some units, all of their observations included."""
    rows = np.flatnonzero(np.isin(data.subjects, data.subjects[rows]))
    images = {
        observed.sha256[slot][:MARK_DIGITS]
        for observed in data.observations.values()
        if observed.sha256
        for slot in np.unique(observed.slot[rows])
        if slot >= 0 and observed.sha256[slot]
    }
    return Fingerprint(
        patients=tuple(sorted({mark(name) for name in data.units["pseudonym"].gather(rows)})),
        images=tuple(sorted(images)),
    )
