"""Mark whose data something was fitted on: enough to recognise those patients again, not enough to name them.

A patient is known by the head of a SHA-256 of the keyed pseudonym, and, in an archive made with another key, by the
content of any observation, or by an image that looks the same: one that was saved again, or in which a voxel differs.
"""

from dataclasses import dataclass

import numpy as np

from semeia.archive.hashing import LOOK_SIDE
from semeia.archive.keys import MARK_DIGITS, mark
from semeia.data.dataset import Dataset, Observed

# Of 256 bits. An image with a changed voxel, scaled or compressed again differs in 0 to 3; of 5,630 knee radiographs
# two of different patients are as near, of 1,843 lung nodules none is (the next differ in 4, and in more than 9).
NEAR_BITS = 3
_LEAST_BITS = 24
_SPAN = 2 * LOOK_SIDE**2  # more than a hash has bits


@dataclass(frozen=True)
class Fingerprint:
    """Sorted marks of patients, of their observations, and perceptual hashes of their images."""

    patients: tuple[str, ...]
    images: tuple[str, ...] = ()
    looks: tuple[str, ...] = ()

    def __or__(self, other: "Fingerprint") -> "Fingerprint":
        """Join two groups of patients."""
        return Fingerprint(
            patients=tuple(sorted({*self.patients, *other.patients})),
            images=tuple(sorted({*self.images, *other.images})),
            looks=tuple(sorted({*self.looks, *other.looks})),
        )

    def seen(self, data: Dataset) -> np.ndarray:
        """Find the units of patients in the fingerprint, bool [unit]."""
        patients, images = set(self.patients), set(self.images)
        known = np.array([mark(name) in patients for name in data.units["pseudonym"]], bool)
        another_key = not known.any()  # under the same key names tell, and likeness would only mislead
        for observed in data.observations.values():
            same = np.array([sha != "" and sha[:MARK_DIGITS] in images for sha in observed.sha256], bool)
            if another_key and observed.looks:
                same = same | _alike(observed.looks, self.looks)
            if same.any():
                known |= (same[observed.slot] & (observed.slot >= 0)).any(1)
        return np.isin(data.subjects, data.subjects[known])


def fingerprint(data: Dataset, rows: np.ndarray) -> Fingerprint:
    """Take the fingerprint of the patients of some units, all of their observations included."""
    rows = np.flatnonzero(np.isin(data.subjects, data.subjects[rows]))
    images = {sha[:MARK_DIGITS] for one in data.observations.values() for sha in _of_rows(one, one.sha256, rows)}
    looks = {look for one in data.observations.values() for look in _of_rows(one, one.looks, rows)}
    return Fingerprint(
        patients=tuple(sorted({mark(name) for name in data.units["pseudonym"].gather(rows)})),
        images=tuple(sorted(images)),
        looks=tuple(sorted(looks)),
    )


def _of_rows(observed: Observed, names: tuple[str, ...], rows: np.ndarray) -> list[str]:
    """The hashes of the observations of some units; none where there are none."""
    return [names[slot] for slot in np.unique(observed.slot[rows]) if slot >= 0 and names[slot]] if names else []


def _alike(looks: tuple[str, ...], known: tuple[str, ...]) -> np.ndarray:
    """Find which of some perceptual hashes are those of known images, or nearly, bool [image].

    Hashes that differ in NEAR_BITS = 3 bits at most have one of their four words in common, and numbers of bits that
    differ by 3 at most: only such pairs are compared.
    """
    mine, theirs = _words(looks), _words(known)
    theirs = np.unique(theirs[_tells(theirs)], axis=0)
    alike, telling = np.zeros(len(looks), bool), _tells(mine)
    bits, known_bits = _bits(mine), _bits(theirs)
    for word in range(mine.shape[1]):
        values, group = np.unique(theirs[:, word], return_inverse=True)
        rows = np.flatnonzero(telling & ~alike & np.isin(mine[:, word], values))
        key = group * _SPAN + known_bits
        order = np.argsort(key, kind="stable")
        wanted = np.searchsorted(values, mine[rows, word]) * _SPAN + bits[rows]
        first = np.searchsorted(key[order], wanted - NEAR_BITS)
        last = np.searchsorted(key[order], wanted + NEAR_BITS, side="right")
        for row, begin, end in zip(rows, first, last, strict=True):
            differing = _bits(theirs[order[begin:end]] ^ mine[row])
            alike[row] = bool((differing <= NEAR_BITS).any())
    return alike


def _words(looks: tuple[str, ...]) -> np.ndarray:
    """Read hashes as uint64 [image, 4]; one that is not there has no bit."""
    digits = LOOK_SIDE**2 // 4
    raw = b"".join(bytes.fromhex(look if len(look) == digits else "0" * digits) for look in looks)
    return np.frombuffer(raw, np.uint64).reshape(-1, LOOK_SIDE**2 // 64)


def _tells(words: np.ndarray) -> np.ndarray:
    """Find which hashes are of images with something to see: of nearly blank ones most are alike."""
    bits = _bits(words)
    return (bits >= _LEAST_BITS) & (bits <= LOOK_SIDE**2 - _LEAST_BITS)


def _bits(words: np.ndarray) -> np.ndarray:
    """Count the bits of hashes, [image]."""
    return np.bitwise_count(words).sum(1, dtype=np.int64)
