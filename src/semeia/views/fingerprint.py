"""Whose data something was fitted on: enough to recognise those patients again, not enough to name them.

A patient is known by the head of a SHA-256 of the keyed pseudonym, and, in an archive made with another key, by the
pixels of any image, or by an image that looks the same: one that was saved again, or in which a voxel differs.
"""

from dataclasses import dataclass

import numpy as np

from semeia.archive.hashing import LOOK_SIDE
from semeia.archive.keys import MARK_DIGITS, mark
from semeia.views.dataset import PatientData

# Of 256 bits. An image with a changed voxel, scaled or compressed again differs in 0 to 3; of 5,630 knee radiographs
# two of different patients are as near, of 1,843 lung nodules none is (the next differ in 4, and in more than 9).
NEAR_BITS = 3
_LEAST_BITS = 24


@dataclass(frozen=True)
class Fingerprint:
    """Sorted marks of patients, of their images, and perceptual hashes of these (absent in older models)."""

    patients: tuple[str, ...]
    images: tuple[str, ...]
    looks: tuple[str, ...] = ()

    def __or__(self, other: "Fingerprint") -> "Fingerprint":
        """The fingerprint of both groups of patients."""
        return Fingerprint(
            patients=tuple(sorted({*self.patients, *other.patients})),
            images=tuple(sorted({*self.images, *other.images})),
            looks=tuple(sorted({*self.looks, *other.looks})),
        )

    def seen(self, data: PatientData) -> np.ndarray:
        """Which units are of patients in the fingerprint, bool [unit]."""
        patients, images = set(self.patients), set(self.images)
        known = np.array([mark(name) in patients for name in data.units["pseudonym"]], bool)
        if not known.any():  # another key; under the same one, names tell, and likeness would only mislead
            known |= _alike(data.looks, self.looks) if data.looks else False
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
        looks=tuple(sorted({data.looks[row] for row in rows if data.looks[row]})) if data.looks else (),
    )


def _alike(looks: tuple[str, ...], known: tuple[str, ...]) -> np.ndarray:
    """Which of some perceptual hashes are those of known images, or nearly, bool [image]."""
    mine, theirs = _words(looks), _words(known)
    telling, of_known = _tells(mine), theirs[_tells(theirs)]
    alike = np.zeros(len(looks), bool)
    for row in np.flatnonzero(telling):
        differing = np.bitwise_count(of_known ^ mine[row]).sum(1)
        alike[row] = bool((differing <= NEAR_BITS).any())
    return alike


def _words(looks: tuple[str, ...]) -> np.ndarray:
    """Hashes as uint64 [image, 4]; one that is not there has no bit."""
    digits = LOOK_SIDE**2 // 4
    raw = b"".join(bytes.fromhex(look if len(look) == digits else "0" * digits) for look in looks)
    return np.frombuffer(raw, np.uint64).reshape(-1, LOOK_SIDE**2 // 64)


def _tells(words: np.ndarray) -> np.ndarray:
    """Which hashes are of images with something to see: of nearly blank ones most are alike."""
    bits = np.bitwise_count(words).sum(1)
    return (bits >= _LEAST_BITS) & (bits <= LOOK_SIDE**2 - _LEAST_BITS)
