"""The preprocessing manifest: all that must be the same at training and at inference, and whose patients it
was fitted on.

It is written into every checkpoint; a model refuses data that were prepared otherwise. It holds no
identifier: patients and images are known by the head of a SHA-256 of their pseudonym and pixels, enough to
recognise them, not to name them.
"""

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from semeia.errors import InputError
from semeia.views.crops import CropSettings

if TYPE_CHECKING:
    from semeia.views.dataset import PatientData

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
        patients: marks of the patients all this was fitted on (see `mark`).
        images: marks of their images.
    """

    modalities: tuple[str, ...]
    geometry: Geometry
    crop: CropSettings
    items: tuple[str, ...]
    item_mean: tuple[float, ...]
    item_sd: tuple[float, ...]
    patients: tuple[str, ...]
    images: tuple[str, ...]

    def scale_readings(self, values: np.ndarray) -> np.ndarray:
        """Standardised items, float32; NaN stays NaN."""
        mean, sd = np.asarray(self.item_mean, np.float32), np.asarray(self.item_sd, np.float32)
        return (values - mean) / sd

    def require_same(self, data: "PatientData") -> None:
        """Refuses data prepared otherwise."""
        if data.crop != self.crop and "image" in self.modalities:
            raise InputError(f"the model was trained on crops {self.crop}, the data were cut as {data.crop}")
        if "reading" in self.modalities and data.items and data.items != self.items:
            raise InputError(
                f"the model reads {', '.join(self.items)}; the archive has {', '.join(data.items)}"
            )

    def seen(self, data: "PatientData") -> np.ndarray:
        """Which units belong to patients this was fitted on, by pseudonym or by the pixels of any image, bool
        [unit]."""
        patients, images = set(self.patients), set(self.images)
        subjects = data.units["subject_id"].to_numpy()
        known = np.array([mark(name) in patients for name in data.units["pseudonym"]], bool)
        known |= np.array([bool(sha) and sha[:16] in images for sha in data.image_hash], bool)
        return np.isin(subjects, subjects[known])

    def to_json(self) -> dict[str, object]:
        """Plain values, for the checkpoint."""
        return asdict(self)


def fit_preprocessing(
    data: "PatientData", rows: np.ndarray, *, modalities: tuple[str, ...], geometry: Geometry
) -> Preprocessing:
    """Fits the scale of the readings on the given units, and remembers whose they were."""
    values = data.readings[rows]
    missing = [data.items[i] for i in np.flatnonzero(np.isnan(values).all(0))]
    if "reading" in modalities and (missing or not data.items):
        raise InputError(
            f"no reading of {', '.join(missing) or 'any item'} among the {len(rows)} training units"
        )
    sd = np.nanstd(values, 0) if data.items and "reading" in modalities else np.ones(len(data.items))
    mean = np.nanmean(values, 0) if data.items and "reading" in modalities else np.zeros(len(data.items))
    units = data.units[rows]
    return Preprocessing(
        modalities=modalities,
        geometry=geometry,
        crop=data.crop,
        items=data.items,
        item_mean=tuple(float(value) for value in mean),
        # A constant item says nothing; dividing by 1 keeps it at 0.
        item_sd=tuple(float(value) if value > 1e-6 else 1.0 for value in sd),
        patients=tuple(sorted({mark(name) for name in units["pseudonym"]})),
        images=tuple(sorted({data.image_hash[row][:16] for row in rows if data.image_hash[row]})),
    )


def preprocessing_from_json(plain: dict) -> Preprocessing:
    """The inverse of `Preprocessing.to_json`."""
    crop = CropSettings(**{name: tuple(value) for name, value in plain["crop"].items()})
    rest = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in plain.items()
        if name != "crop"
    }
    return Preprocessing(**rest, crop=crop)


def mark(pseudonym: str) -> str:
    """Recognises a pseudonym without naming it: 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(pseudonym.encode()).hexdigest()[:16]
