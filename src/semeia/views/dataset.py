"""An archive's units in memory, ready to be cut into batches: crops as bytes, readings as numbers, and what
is missing.

In: an open archive and the grid of the crops. Out: `PatientData`, whose rows follow `units`; `views(rows)`
makes what a model sees. Nothing here is fitted: what is fitted (the scale of the readings) is in
views/preprocessing.py.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.atomic import replacing
from semeia.archive.hashing import array_sha256
from semeia.archive.store import Archive
from semeia.errors import InputError
from semeia.views.crops import CropSettings, crop_image

PICTURES = "pictures"
_VALUES = {
    "hu": "in Hounsfield units",
    "per_slice_stretched": "with each slice stretched on its own",
    "display": "of display values",
}


@dataclass(frozen=True)
class ImageCounts:
    """How much of an archive's images is read.

    Attributes:
        images: in the archive, masks apart.
        read: one a unit.
        types: how many of each type are read, and
        other_types: how many are not, because a model reads images of one type.
        further: images of units that have several: the first is read.
        colour: pictures in colour among those read.
    """

    images: int
    read: int
    types: dict[str, int]
    other_types: dict[str, int]
    further: int
    colour: int = 0

    def left_out(self) -> list[str]:
        """What is not read, or not as it is, in words; none where all is."""
        words = [f"{count} of {self.images} images are not read: {name}" for name, count in self.other_types.items()]
        if words and self.types:
            words[-1] += f" (what is read: {', '.join(self.types)})"
        if self.further:
            words.append(f"{self.further} of {self.images} images are not read: only the first image of a unit is")
        if self.colour:
            words.append(f"{self.colour} of {self.images} images are in colour and are read in gray")
        return words


@dataclass(frozen=True)
class PatientData:
    """All units of an archive, in the order of subjects and units.

    Attributes:
        units: unit_id, subject_id, pseudonym, site, split and the covariates, one row a unit.
        voxels: uint8 [unit, depth, height, width]; memory-mapped where it came from a cache.
        covered: scanned planes, bool [unit, depth]; all False where a unit has no image.
        readings: float32 [unit, item]; NaN where an item is missing.
        image_hash: content hash of each unit's image; "" where there is none.
        crop: grid of the crops.
        items: names of the items.
        reports: text of each unit; None where there is none.
        image_types: what each unit's image is (see `image_type`); "" where there is none.
        counts: how many of the archive's images this is.
        looks: 256-bit perceptual hash of each unit's image; "" where there is none.
    """

    units: pl.DataFrame
    voxels: np.ndarray
    covered: np.ndarray
    readings: np.ndarray
    image_hash: list[str]
    crop: CropSettings
    items: tuple[str, ...]
    reports: tuple[str | None, ...] = ()
    image_types: tuple[str, ...] = ()
    counts: ImageCounts | None = None
    looks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.units.height

    def observed(self, modality: str) -> np.ndarray:
        """Which units have a modality, bool [unit]."""
        missing = ~self.covered if modality == "image" else np.isnan(self.readings)
        return np.asarray(~missing.all(1))


def load_patient_data(
    archive: Archive, *, crop: CropSettings, cache: Path | None = None, types: tuple[str, ...] = ()
) -> PatientData:
    """Reads all units of an archive, other than whole patients.

    The image of a unit is its first that is not for display only (`img8` or a picture before `hu`: that an
    `hu` file is there at all can carry the label, see the audit). The crops are kept under `cache`, if given,
    by content.

    Args:
        archive: open.
        crop: grid of the crops.
        cache: folder.
        types: of images that are read (see `image_type`), where a model is there already; others are left out.
    """
    subjects = archive.table("subjects").select("subject_id", "pseudonym", "site", "split")
    # A whole patient is a unit here only where it was imaged or read as such, not where it merely carries an outcome.
    described = [archive.table(name)["unit_id"] for name in ("images", "readings")]
    observed = pl.col("unit_id").is_in(pl.concat(described).unique().implode())
    units = archive.table("units").filter((pl.col("kind") != "patient") | observed)
    if units.is_empty():
        raise InputError(f"{archive.path}: the archive has no units to predict on")
    units = units.join(subjects, on="subject_id", how="left").sort("subject_id", "unit_id")
    images = model_images(archive, types)
    voxels, covered = crops_of(archive, units, images, crop, cache)
    beside = units.select("unit_id").join(images, on="unit_id", how="left", maintain_order="left")
    hashes = beside["sha256"].fill_null("").to_list()
    readings, items = readings_of(archive, units)
    return PatientData(
        units=with_opinion(archive, units),
        voxels=voxels,
        covered=covered,
        readings=readings,
        image_hash=hashes,
        crop=crop,
        items=items,
        reports=reports_beside(units, archive.table("reports")),
        image_types=tuple(beside["image_type"].fill_null("").to_list()),
        counts=count_images(archive, images),
        looks=tuple(beside["look"].fill_null("").to_list()),
    )


def image_type() -> pl.Expr:
    """What a row of the table of images is, in words: volumes, planes or pictures, and what their values are."""
    values = pl.col("intensity").replace_strict(_VALUES, default="of unknown values")
    axes = pl.col("shape").list.len()
    picture = (pl.col("kind") == "picture") | pl.col("spacing").is_null()
    volume = pl.concat_str(pl.when(axes == 2).then(pl.lit("planes ")).otherwise(pl.lit("volumes ")), values)
    return pl.when(picture).then(pl.lit(PICTURES)).otherwise(volume)


def all_images(archive: Archive) -> pl.DataFrame:
    """All images but masks, with their `image_type`."""
    images = archive.table("images").filter(pl.col("kind") != "mask")
    return images.with_columns(image_type=image_type())


def model_images(archive: Archive, types: tuple[str, ...] = ()) -> pl.DataFrame:
    """One image a unit: the first of the `types`; without these the first by kind, `hu` only where a whole archive is
    in Hounsfield units."""
    images = all_images(archive)
    others = images.filter(pl.col("image_type").is_in(types) if types else pl.col("kind") != "hu")
    return (others if others.height or types else images).sort("image_id").unique("unit_id", keep="first")


def count_images(archive: Archive, read: pl.DataFrame) -> ImageCounts:
    """Count what is read of an archive's images, and why the others are not."""
    images, chosen = all_images(archive), read["image_type"].unique().to_list()
    left = images.filter(~pl.col("image_id").is_in(read["image_id"].implode()))
    same = left["image_type"].is_in(chosen)

    def by_type(rows: pl.DataFrame) -> dict[str, int]:
        return dict(rows.group_by("image_type").len().sort("image_type").iter_rows())

    colour = read.filter((pl.col("image_type") == PICTURES) & (pl.col("shape").list.len() == 3)).height
    others = by_type(left.filter(~same))
    return ImageCounts(images.height, read.height, by_type(read), others, int(same.sum()), colour)


def crops_of(
    archive: Archive, units: pl.DataFrame, images: pl.DataFrame, crop: CropSettings, cache: Path | None
) -> tuple[np.ndarray, np.ndarray]:
    """Crops of all units, uint8, and their scanned planes; from the cache where it has them."""
    chosen = hashlib.sha256("".join(sorted(images["sha256"])).encode()).hexdigest()[:8]
    stem = f"crops-{archive.fingerprint()[:16]}-{chosen}-{crop.digest()}"
    kept = None if cache is None else (cache / f"{stem}.voxels.npy", cache / f"{stem}.covered.npy")
    if kept is not None and (cached := _cached(*kept, shape=(units.height, *crop.voxels))):
        return cached
    voxels = np.zeros((units.height, *crop.voxels), np.uint8)
    covered = np.zeros((units.height, crop.voxels[0]), bool)
    place = {unit: row for row, unit in enumerate(units["unit_id"])}
    changed = 0
    for image in images.iter_rows(named=True):
        if image["unit_id"] in place:
            pixels = archive.pixels(image)
            changed += array_sha256(pixels) != image["sha256"]
            made = crop_image(pixels, image["spacing"], intensity=image["intensity"], settings=crop)
            row = place[image["unit_id"]]
            voxels[row] = np.rint(made.voxels * 255)
            covered[row] = made.covered
    if changed:
        raise InputError(
            f"{archive.path}: {changed} images have changed since they were ingested; restore the archive from a "
            "backup, or ingest the files again into a new one"
        )
    if kept is not None:
        for path, array in zip(kept, (voxels, covered), strict=True):
            with replacing(path) as temporary, temporary.open("wb") as handle:
                np.save(handle, array)
    return voxels, covered


def _cached(voxels: Path, covered: Path, *, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray] | None:
    """The crops and scanned planes of a cache; None where it has none, or what it has is cut short or of others."""
    if not (voxels.is_file() and covered.is_file()):
        return None
    try:
        found = np.load(voxels, mmap_mode="r", allow_pickle=False), np.load(covered, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    fits = [(one.shape, one.dtype) for one in found] == [(shape, np.uint8), (shape[:2], np.bool_)]
    return found if fits else None


def readings_of(archive: Archive, units: pl.DataFrame) -> tuple[np.ndarray, tuple[str, ...]]:
    """The input reader's items, [unit, item], NaN where missing, and their names in alphabetical order."""
    readings = archive.table("readings").filter(pl.col("reader") == "input")
    items = tuple(sorted(readings["item"].unique().to_list()))
    if not items:
        return np.full((units.height, 0), np.nan, np.float32), ()
    wide = readings.pivot(on="item", index="unit_id", values="value", aggregate_function="first")
    wide = units.select("unit_id").join(wide, on="unit_id", how="left", maintain_order="left")
    return wide.select(items).to_numpy().astype(np.float32), items


def with_opinion(archive: Archive, units: pl.DataFrame) -> pl.DataFrame:
    """Adds the column `input_opinion`, the input reader's own rating of the outcome: a baseline, never an input."""
    readings = archive.table("readings").filter(pl.col("reader") == "input_opinion")
    if readings.is_empty():
        return units
    opinion = readings.select("unit_id", pl.col("value").alias("input_opinion")).unique("unit_id", keep="first")
    return units.join(opinion, on="unit_id", how="left", maintain_order="left")


def reports_beside(units: pl.DataFrame, reports: pl.DataFrame) -> tuple[str | None, ...]:
    """The text of each unit, None where it has no report."""
    texts = reports.select("unit_id", "text")
    return tuple(units.join(texts, on="unit_id", how="left", maintain_order="left")["text"].to_list())
