"""The preprocessing manifest: what must be the same at training and at inference, and whose patients it saw.

It is written into every checkpoint; a model refuses data that were prepared otherwise.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from semeia.errors import InputError
from semeia.views.crops import CropSettings
from semeia.views.dataset import PatientData
from semeia.views.fingerprint import Fingerprint, fingerprint

Geometry = Literal["rings", "patches"]


@dataclass(frozen=True)
class Preprocessing:
    """How raw units become views.

    Attributes:
        modalities: names, in the order of the encoder's kinds.
        geometry: how a crop is cut: rings around the axis, or patches.
        crop: grid of the crops.
        items: names of the reading's items.
        item_mean: mean of each item over the training patients.
        item_sd: standard deviation of each item over the training patients.
        fitted_on: the patients that all this, and the model that carries it, saw.
        images: types of the training images (views/dataset.py); none in files from before they were kept.
    """

    modalities: tuple[str, ...]
    geometry: Geometry
    crop: CropSettings
    items: tuple[str, ...]
    item_mean: tuple[float, ...]
    item_sd: tuple[float, ...]
    fitted_on: Fingerprint
    images: tuple[str, ...] = ()

    def scaled_readings(self, data: PatientData, rows: np.ndarray) -> np.ndarray:
        """Standardised items in this manifest's order, float32 [n, item]; NaN where one is missing."""
        values = np.full((len(rows), len(self.items)), np.nan, np.float32)
        for place, name in enumerate(self.items):
            if name in data.items:
                values[:, place] = data.readings[rows, data.items.index(name)]
        return (values - np.asarray(self.item_mean, np.float32)) / np.asarray(self.item_sd, np.float32)

    def require_same(self, data: PatientData, rows: np.ndarray, *, hide: tuple[str, ...] = ()) -> None:
        """Refuses units prepared otherwise, and images of a type that was not trained on; what is hidden may be."""
        if "image" in self.modalities and "image" not in hide:
            require_types(self.images, data, rows)
        if data.crop != self.crop and "image" in self.modalities:
            raise InputError(f"the model was trained on crops {self.crop}, the data were cut as {data.crop}")
        if "reading" in self.modalities and data.items and not set(data.items) & set(self.items):
            raise InputError(
                f"the model reads {', '.join(self.items)}; the archive's readings have none of these but "
                f"{', '.join(data.items)}"
            )


def types_of(data: PatientData, rows: np.ndarray) -> tuple[str, ...]:
    """The types of some units' images, sorted."""
    return tuple(sorted({data.image_types[row] for row in rows} - {""})) if data.image_types else ()


def require_types(types: tuple[str, ...], data: PatientData, rows: np.ndarray) -> None:
    """Refuse images of another type than those trained on.

    Args:
        types: of the training images; none where they are not known.
        data: that a model meets.
        rows: units to be read.

    Raises:
        InputError: some images are of another type, or all of the archive's are and were left out for it.
    """
    others = set(types_of(data, rows)) - set(types)
    left = data.counts.other_types if data.counts and not data.counts.read else {}
    if types and (others or left):
        raise InputError(
            f"the model was trained on {', '.join(types)}; this archive holds {', '.join(sorted(others or left))}: "
            "scores on another type of image mean nothing. Use a model of this type"
        )


def fit_preprocessing(
    data: PatientData, rows: np.ndarray, *, modalities: tuple[str, ...], geometry: Geometry
) -> Preprocessing:
    """Fits the scale of the readings on the given units, and remembers whose they were."""
    items = data.items if "reading" in modalities else ()
    values = data.readings[rows]
    empty = [name for name, column in zip(items, values.T, strict=False) if np.isnan(column).all()]
    if "reading" in modalities and (empty or not items):
        raise InputError(f"no reading of {', '.join(empty) or 'any item'} among the {len(rows)} training units")
    if "image" in modalities and not data.observed("image")[rows].any():
        raise InputError(f"no image among the {len(rows)} training units")
    mean = np.nanmean(values, 0) if items else np.zeros(0)
    sd = np.nanstd(values, 0) if items else np.zeros(0)
    return Preprocessing(
        modalities=modalities,
        geometry=geometry,
        crop=data.crop,
        items=items,
        item_mean=tuple(float(value) for value in mean),
        # A constant item says nothing; dividing by 1 keeps it at 0.
        item_sd=tuple(float(value) if value > 1e-6 else 1.0 for value in sd),
        fitted_on=fingerprint(data, rows),
        images=types_of(data, rows) if "image" in modalities else (),
    )
