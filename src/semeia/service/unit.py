"""Read one unit from a request, as a dataset of one row, by the settings that the model carries.

An image goes through the readers and the crop that an archive goes through; what the model was not trained on (another
modality, values of another kind, a picture for a volume) is refused in one line.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from semeia.archive import Archive
from semeia.archive.hashing import LOOK_SIDE, array_sha256, middle_slice, perceptual_hash
from semeia.data.dataset import Dataset, Observed
from semeia.data.modalities import Picture, Signal, Signatures, Table, Text, Vector, Volume
from semeia.data.modality import Arrays, Modality
from semeia.errors import InputError
from semeia.learning.scoring import data_for
from semeia.readers.images.image_file import INTENSITY, read_image
from semeia.signatures.model import load_signatures

RAW = ("dicom", "record", "time")
FIELDS = ("observations", *RAW, "covariates", "explain")
MOST_VISITS = 64
AXES = {"".join(turned) for pick in product("LR", "AP", "IS") for turned in permutations(pick)}
SHOWN = 40  # letters of a name that a stranger sent


@dataclass(frozen=True)
class Read:
    """One observation: its arrays (of one row), and the hashes by which an image that was learnt from is known."""

    arrays: Arrays
    sha256: str = ""
    look: str = ""


def read_unit(
    body: Mapping[str, object], modalities: Mapping[str, Modality], archive: Archive | None = None
) -> Dataset:
    """Make a dataset of one unit.

    Args:
        body: `observations`, by modality one object, or a list of them, the newest first: `file` (base64 of a PNG, JPEG
            or NIfTI) with `kind` and `axes`, or `items`, `values`, `text`; and `months` before the date of prediction.
            Beside them `covariates`, numbers and words by name.
        modalities: that the model reads.
        archive: of the raw files of the request (raw.py), where it has any: what `observations` leaves out is read from
            it as `semeia predict` does.

    Raises:
        InputError: what is wrong, where, and what to send instead.
    """
    if unknown := [name for name in body if name not in FIELDS]:
        raise InputError(f"there is no field '{unknown[0][:SHOWN]}'; send {', '.join(FIELDS)}")
    given = _object(body.get("observations", {}), "observations")
    if unknown := [name for name in given if name not in modalities]:
        there = ", ".join(modalities) or "none (send covariates)"
        raise InputError(f"observations: the model reads no '{unknown[0][:SHOWN]}'; it reads {there}")
    observations = {name: _observed(name, one, given.get(name)) for name, one in modalities.items()}
    if archive is not None:
        read = data_for(archive, {name: one for name, one in modalities.items() if name not in given}, None)
        modalities, observations = {**modalities, **read.modalities}, {**observations, **read.observations}
    if modalities and not any(one.there.any() for one in observations.values()):
        raise InputError(f"observations: nothing of {', '.join(modalities)} is given")
    covariates = _object(body.get("covariates", {}), "covariates")
    if wrong := [name for name, value in covariates.items() if not isinstance(value, int | float | str | None)]:
        raise InputError(f"covariates.{wrong[0][:SHOWN]}: must be a number, a text or null")
    own = {"unit_id": "unit", "subject_id": 0, "pseudonym": "unknown", "site": None, "split": None}
    units = pl.DataFrame({name: [value] for name, value in {**covariates, **own}.items()})
    return Dataset(units, dict(modalities), observations)


def _observed(name: str, modality: Modality, given: object) -> Observed:
    where = f"observations.{name}"
    visits = [] if given is None else given if isinstance(given, list) else [given]
    if len(visits) > min(modality.history.most, MOST_VISITS):
        raise InputError(
            f"{where}: {len(visits)} observations; at most {min(modality.history.most, MOST_VISITS)} are read"
        )
    found, when = [], []
    for visit in visits:
        plain = dict(_object(visit, where))
        months = plain.pop("months", 0)
        limit = modality.history.months
        if not isinstance(months, int | float) or isinstance(months, bool) or not 0 <= months <= (limit or 1e5):
            raise InputError(
                f"{where}.months: must be a number from 0 to {limit or 1e5:g}, months before the prediction"
            )
        found.append(_read(where, modality, plain))
        when.append(float(months))
    if when != sorted(when):
        raise InputError(f"{where}: put the newest observation first (months rise)")
    if not found:
        return Observed(
            Arrays(np.empty((0, 1)), np.empty((0, 1), bool)), np.full((1, 1), -1), np.zeros((1, 1), np.float32)
        )
    arrays = Arrays(
        np.concatenate([one.arrays.values for one in found]),
        np.concatenate([one.arrays.mask for one in found]),
        found[0].arrays.names,
    )
    slot, months = np.arange(len(found))[None], np.array([when], np.float32)
    images = isinstance(modality, Volume)
    hashes = (tuple(one.sha256 for one in found), tuple(one.look for one in found)) if images else ((), ())
    return Observed(arrays, slot, months, *hashes)


def _read(where: str, modality: Modality, plain: dict[str, object]) -> Read:
    """Read one observation by the kind of its modality."""
    if isinstance(modality, Volume):
        return _image(where, modality, plain)
    if isinstance(modality, Table):
        return Read(modality.arrays(_items(where, plain, modality.items), modality.items))
    if isinstance(modality, Signatures) and "items" in plain:
        return Read(modality.arrays(_items(where, plain, tuple(load_signatures(Path(modality.source)).names))))
    if isinstance(modality, Vector | Signal):
        _only(where, plain, "values")
        return Read(_numbers(where, modality, plain.get("values")))
    if isinstance(modality, Text):
        _only(where, plain, "text")
        if not isinstance(plain.get("text"), str):
            raise InputError(f"{where}.text: must be a text")
        return Read(modality.arrays(np.array([plain["text"]], object)))
    raise InputError(
        f"{where}: {modality.describe()} cannot be sent so; send the record (`record`), or use `semeia predict`"
    )


def _image(where: str, modality: Volume, plain: dict[str, object]) -> Read:
    _only(where, plain, "file", "kind", "axes")
    file, kind, axes = (plain.get(name) for name in ("file", "kind", "axes"))
    if not isinstance(file, str):
        raise InputError(f"{where}.file: must be a PNG, JPEG or NIfTI file in base64")
    if kind is not None and kind not in INTENSITY:
        raise InputError(f"{where}.kind: must be one of {', '.join(INTENSITY)}")
    if axes is not None and axes not in AXES:
        raise InputError(f"{where}.axes: must say where the three axes of the voxels point, such as LPS or RAS")
    try:
        raw = base64.b64decode(file, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"{where}.file: is not base64") from error
    with TemporaryDirectory(prefix="semeia-") as folder:  # readers take files; it is gone before the answer is
        path = Path(folder) / "image"
        path.write_bytes(raw)
        image = read_image(path, called=f"{where}.file", kind=kind, axes=axes)  # pyright: ignore[reportArgumentType]
    intensity, spacing = INTENSITY[image.kind], image.volume and image.volume.spacing
    flat = isinstance(modality, Picture)
    if flat != (spacing is None):
        words = "a picture without a spacing" if spacing is None else "a volume with a spacing"
        raise InputError(f"{where}.file: is {words}; the model reads {modality.describe()}")
    if modality.values and intensity not in modality.values:
        kinds = ", ".join(name for name, known in INTENSITY.items() if known in modality.values)
        raise InputError(
            f"{where}.kind: '{image.kind}' is not what the model was trained on; send images of kind {kinds}"
        )
    steps = None if spacing is None else [float(step) for step in spacing]
    voxels, covered = modality.cropped(image.array, steps, intensity=intensity)
    plane = middle_slice(image.array, colour=flat and image.array.ndim == 3)
    look = perceptual_hash(plane, side=LOOK_SIDE)
    return Read(Arrays(voxels[None], covered[None]), array_sha256(image.array), look)


def _items(where: str, plain: dict[str, object], names: tuple[str, ...]) -> np.ndarray:
    """Numbers by name, [1, item] float32; NaN where one is null or not given."""
    _only(where, plain, "items")
    items = _object(plain.get("items"), f"{where}.items")
    if unknown := [name for name in items if name not in names]:
        few = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        raise InputError(f"{where}.items: there is no '{unknown[0][:SHOWN]}'; there are {few}")
    for name, value in items.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise InputError(f"{where}.items.{name}: must be a number or null")
    values = [items.get(name) for name in names]
    return np.array([[np.nan if value is None else value for value in values]], np.float32)


def _numbers(where: str, modality: Vector | Signal, given: object) -> Arrays:
    try:
        values = np.array([given], np.float32)
    except (TypeError, ValueError, OverflowError):
        values = np.empty(0)
    if values.ndim not in (2, 3) or not values.size:
        raise InputError(f"{where}.values: must be a list of numbers, or a list of such lists of one length")
    arrays = modality.arrays(values)
    try:
        modality.require_same(modality, arrays)
    except InputError as error:
        raise InputError(f"{where}.values: {error}") from error
    return arrays


def _only(where: str, plain: Mapping[str, object], *names: str) -> None:
    if unknown := [name for name in plain if name not in names]:
        raise InputError(f"{where}: there is no field '{unknown[0][:SHOWN]}'; send {', '.join(names)}, months")


def _object(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: must be an object (names with values)")
    return value
