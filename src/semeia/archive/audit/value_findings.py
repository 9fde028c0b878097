"""Find values of images that are not what they are taken for.

Nothing is read but what the ingest stored of each image: percentiles, and the 64-bit hash of its middle slice.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from semeia.archive.audit.findings import Finding, finding
from semeia.archive.hashing import BLANK

_LEAST_HU_RANGE = 50.0  # of less nothing is left in any window of CT
_AIR_OR_FAT_HU = -100.0
_BEYOND_HU = 4096.0  # 12 bits with the offset of 1024 left in, and metal
_RANGE_SHARE = 0.25
_ALIKE, _COMMON, _APART = 0.5, 0.3, 0.25  # of the bits that agree, less those that do not
_LEAST_NEGATIVES = 0.05
_LEAST_PICTURES = 6
_LEAST_BITS = 16


def value_findings(images: pl.DataFrame) -> list[Finding]:
    """Values called Hounsfield units that cannot be; pictures that use little of their range; negatives; colours."""
    described = images.filter(pl.col("percentiles").is_not_null() & (pl.col("kind") != "mask"))
    least, low, high, most = (pl.col("percentiles").list.get(place) for place in (0, 1, -2, -1))
    scanned = described.with_columns(least=least, low=low, high=high, most=most).filter(
        pl.col("least") < pl.col("most")
    )
    return [
        *_hounsfield(scanned.filter(pl.col("intensity") == "hu")),
        *_range(scanned.filter(pl.col("intensity").is_in(["display", "per_slice_stretched"]))),
        *_negatives(images),
        *_channels(images),
    ]


def _hounsfield(images: pl.DataFrame) -> list[Finding]:
    scaled = pl.col("most") - pl.col("least") <= _LEAST_HU_RANGE
    airless = ~scaled & (pl.col("least") > _AIR_OR_FAT_HU)
    beyond = (pl.col("high") > _BEYOND_HU) | (pl.col("low") < -_BEYOND_HU)
    counts = images.select(scaled=scaled.sum(), airless=airless.sum(), beyond=beyond.sum()).row(0, named=True)
    first = images.filter(scaled).head(1)
    span = f"{first['least'].item():g} to {first['most'].item():g}, say" if first.height else ""
    return [
        *finding(
            "error",
            counts["scaled"],
            f"images called hu hold values that are not Hounsfield units ({span}): they were scaled, and nothing is "
            "left of them in a CT window; ingest what they were made from, or say --kind mri",
        ),
        *finding(
            "warning",
            counts["airless"],
            f"images called hu have no value below {_AIR_OR_FAT_HU:g}, neither air nor fat: are they Hounsfield units, "
            "or gray levels, MRI (--kind mri), CT with an offset left in?",
        ),
        *finding("warning", counts["beyond"], f"images called hu have values beyond {_BEYOND_HU:g} Hounsfield units"),
    ]


def _range(images: pl.DataFrame) -> list[Finding]:
    full = pl.col("dtype").replace_strict({"uint8": 255.0, "uint16": 65535.0}, default=None, return_dtype=pl.Float64)
    share = (pl.col("high") - pl.col("low")) / full
    narrow = images.with_columns(share=share).filter(pl.col("share") < _RANGE_SHARE)
    if narrow.is_empty():
        return []
    words = (
        f"images use little of the range of their pixel type ({narrow['share'].median():.0%}; 12 bits in 16, say) and "
        "come out nearly black or flat: pictures are mended by the setting crop.picture.levels: picture, volumes by "
        "--kind mri"
    )
    return [Finding("warning", words, narrow.height)]


def _negatives(images: pl.DataFrame) -> list[Finding]:
    """Pictures whose gray levels run against those of the others, as of DICOM's MONOCHROME1.

    Of a negative every bit of the difference hash is the other one. Where pictures show the same thing, their hashes
    lie along one axis, and those of negatives at its other end. A mirror image (the other breast, say) may look like a
    negative to the hash; where it does, nothing is said.
    """
    found = []
    gray = pl.col("spacing").is_null() & (pl.col("shape").list.len() == 2)
    pictures = images.filter(gray & (pl.col("phash") != BLANK) & (pl.col("kind") != "mask"))
    for (kind,), group in pictures.group_by("kind", maintain_order=True):
        if group.height < _LEAST_PICTURES:
            continue
        bits = np.stack(list(_signs(group["phash"])))
        telling = np.abs(bits.mean(0)) <= 1 - _LEAST_NEGATIVES  # a black edge has the same bits in a negative
        if telling.sum() < _LEAST_BITS:
            continue
        axis = np.where(np.linalg.svd(bits.T @ bits * np.outer(telling, telling))[0][:, 0] >= 0, 1.0, -1.0) * telling
        along = bits @ axis / telling.sum()
        negatives = 0 if _mirror_is_negative(axis) else _on_the_other_side(along, int(telling.sum()))
        if negatives >= max(2, _LEAST_NEGATIVES * group.height):
            words = (
                f"gray images of kind {kind} look like negatives of the other {group.height - negatives} (MONOCHROME1, "
                "inverted exports); limbs are mended by the setting crop.picture.bright_middle, others before ingest"
            )
            found.append(Finding("warning", words, negatives))
    return found


def _on_the_other_side(along: np.ndarray, n_bits: int) -> int:
    """How many pictures lie opposite to most along their common axis, beyond what one cloud of them would send there.

    Args:
        along: Share of the telling bits that agree with the axis less that of those that do not, [picture].
    """
    along = along if (along < 0).sum() >= (along > 0).sum() else -along
    middle = float(np.median(along[along < 0])) if (along < 0).any() else 0.0
    by_chance = 0.8 * (1 + np.sqrt(n_bits / len(along))) / np.sqrt(n_bits)  # of pictures of nothing in common
    if -middle < max(_COMMON, 1.3 * by_chance):
        return 0
    return int((along >= _APART).sum() - (along <= 2 * middle - _APART).sum())


def _mirror_is_negative(axis: np.ndarray) -> bool:
    """Whether pictures with these bits look like their own negatives when left and right are exchanged."""
    mirrored = -axis.reshape(8, 8)[:, ::-1].reshape(-1)
    return bool(axis @ mirrored <= -_ALIKE * np.count_nonzero(axis * mirrored))


def _signs(hashes: pl.Series) -> Iterator[np.ndarray]:
    """The bits of each hash as -1 and 1."""
    for text in hashes:
        yield np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8)).astype(np.float64) * 2 - 1


def _channels(images: pl.DataFrame) -> list[Finding]:
    pictures = images.filter(pl.col("spacing").is_null() & (pl.col("kind") != "mask"))
    colours = int((pictures["shape"].list.len() == 3).sum())
    gray = pictures.height - colours
    types = pictures["dtype"].n_unique()
    return [
        *finding("note", colours, f"pictures are in colour{f', {gray} in gray' if gray else ''}"),
        *finding("note", pictures.height if types > 1 else 0, f"pictures are of {types} pixel types"),
    ]
