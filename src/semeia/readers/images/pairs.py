"""Pair modalities of one scene, and find copies that stand where one was never taken.

Some archives fill an absent modality with a copy of another one. A model that sees the copy finds the pair trivially,
so it is detected here, stored as missing, and counted.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter

import numpy as np

from semeia.errors import InputError
from semeia.readers.images.image_file import INTENSITY, Image
from semeia.readers.images.listed import Listed

COPIES = "pictures were copies of another modality of the same scene; they are stored as missing"
# Grey levels of 255. Lossless copies differ in none; one kept in a channel of a JPEG beside another modality in 1 to 2.
NEAR = 2.0


@dataclass(frozen=True)
class Pairing:
    """How a table tells modalities apart.

    Attributes:
        column: that names the modality of each row.
        channels: or the modalities that the colour channels of each picture are, in their order.
        first: that is real where two of a scene are the same; empty: the one named or listed first.
    """

    column: str = ""
    channels: tuple[str, ...] = ()
    first: str = ""

    def __post_init__(self) -> None:
        if self.column and self.channels:
            raise InputError("modalities are told apart by --modality or by --channels, not by both.")
        if self.channels and (len(self.channels) != 3 or len(set(self.channels)) < 3):
            raise InputError(f"channels {list(self.channels)}: name the three channels of a picture, each its own.")
        for name in (*self.channels, *filter(None, (self.first,))):
            modality_name(name)


@dataclass(frozen=True)
class Taken:
    """An image of a unit, with the modality it shows."""

    entry: Listed
    modality: str
    image: Image


def modality_name(text: str) -> str:
    """Return the name of a modality in lower case."""
    name = text.lower()
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or name in INTENSITY:
        raise InputError(
            f"modality '{text}': a name is letters, digits and underscores, and none of {', '.join(INTENSITY)}."
        )
    return name


def taken(entry: Listed, image: Image, pairing: Pairing) -> list[Taken]:
    """Split the image of a row into its modalities."""
    if not pairing.channels:
        try:
            name = modality_name(entry.row.text(pairing.column))
        except InputError as error:
            raise entry.row.error(pairing.column, str(error)) from error
        return [Taken(entry, name, image)]
    array = image.array
    if image.volume is not None or array.ndim not in (2, 3):
        raise InputError(
            f"{entry.row.table}, row {entry.row.number}: is no picture whose channels could be told apart."
        )
    # The reader gives a picture whose channels are all the same as one plane.
    planes = [array] * 3 if array.ndim == 2 else [np.ascontiguousarray(array[..., place]) for place in range(3)]
    named = zip(pairing.channels, planes, strict=True)
    return [Taken(entry, name.lower(), replace(image, array=plane)) for name, plane in named]


def without_copies(images: Sequence[Taken], first: str) -> list[Taken]:
    """Leave out the modalities of one patient that are copies of another one; of two that are the same `first` is real.

    One is a copy where its pictures differ from the other's of the same unit by at most `NEAR` grey levels of 255 in
    the mean over pixels, in the median over the patient's units: a single dark picture makes none.
    """
    units: dict[str, dict[str, np.ndarray]] = {}
    for one in images:
        units.setdefault(one.entry.unit, {}).setdefault(one.modality, one.image.array)
    order = sorted(dict.fromkeys(one.modality for one in images), key=lambda name: name != first)
    gone: set[str] = set()
    for place, name in enumerate(order):
        real = [other for other in order[:place] if other not in gone]
        if any(
            _same([unit[name] for unit in both], [unit[other] for unit in both])
            for other in real
            if (both := [unit for unit in units.values() if name in unit and other in unit])
        ):
            gone.add(name)
    return [one for one in images if one.modality not in gone]


def _same(mine: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> bool:
    return float(np.median([_difference(one, other) for one, other in zip(mine, others, strict=True)])) <= NEAR


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference in grey levels of 255; infinite between pictures of other shapes or types."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return float("inf")
    scale = 255 / np.iinfo(one.dtype).max if one.dtype.kind == "u" else 1.0
    return float(np.abs(one.astype(np.float32) - other.astype(np.float32)).mean() * scale)


def by_patient(entries: Sequence[Listed], together: bool) -> list[list[Listed]]:
    """Put the rows of a patient together, where that is needed; else each row is alone."""
    key: Callable[[Listed], object] = attrgetter("patient") if together else id
    return [list(group) for _, group in groupby(entries, key=key)]
