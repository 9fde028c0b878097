"""Find one person under two names: images that look the same under two patients.

A patient who is on both sides of a split under two ids makes every result too good, and only the pixels tell.
"""

import numpy as np
import polars as pl

from semeia.archive.audit.findings import Finding, finding
from semeia.archive.hashing import BLANK, middle_slice
from semeia.archive.store import Archive
from semeia.errors import InputError

_NEAR_BITS = 2
_NEAR_CORRELATION = 0.998
_MOST_COMPARED = 20_000
_SAME = "images have identical pixels under two patients"


def copies(archive: Archive) -> list[Finding]:
    """Images with identical pixels, or nearly the same middle slice, under two patients; and blank ones."""
    images = archive.table("images")
    parted, together = _identical(archive)
    blank = int((images["phash"] == BLANK).sum())
    near = _near_pairs(archive, images).height
    return [
        *finding("error", parted, f"{_SAME}, who are or may come to be on both sides of a split"),
        *finding("warning", together, _SAME),
        *finding("warning", near, "pairs of images of two patients look nearly the same"),
        *finding("warning", blank, "images have a middle slice without any contrast"),
    ]


def refuse_copies(archive: Archive) -> None:
    """Refuse to train where one person may be on both sides of a split under two ids."""
    parted, _ = _identical(archive)
    if parted:
        raise InputError(
            f"{archive.path}: {parted} {_SAME}, who may come to be on both sides of a split: one person under two ids? "
            "Leave one of them out, or give both the same side in a column split."
        )


def _identical(archive: Archive) -> tuple[int, int]:
    """How many images have the pixels of another patient's, where a split may part the two, and where it does not.

    Images without any contrast are nobody's in particular.
    """
    subjects = archive.table("subjects").select("subject_id", "split")
    constant = pl.col("percentiles").list.first() == pl.col("percentiles").list.last()
    images = archive.table("images").filter(~constant.fill_null(pl.col("phash") == BLANK))
    shared = (
        images.join(subjects, on="subject_id", how="left")
        .group_by("sha256")
        .agg(
            pl.len(),
            pl.col("subject_id").n_unique(),
            sides=pl.col("split").n_unique(),
            unset=pl.col("split").null_count(),
        )
        .filter(pl.col("subject_id") > 1)
    )
    parted = (pl.col("sides") > 1) | (pl.col("unset") > 0)
    return int(shared.filter(parted)["len"].sum()), int(shared.filter(~parted)["len"].sum())


def look_alikes(archive: Archive) -> pl.DataFrame:
    """Pairs of units of two patients whose images are the same, or nearly: unit_id, other (either order once)."""
    images = archive.table("images")
    keys = images.select("sha256", "unit_id", "subject_id")
    exact = keys.join(keys, on="sha256", suffix="_other").filter(pl.col("subject_id") < pl.col("subject_id_other"))
    near = _near_pairs(archive, images)
    pairs = [exact.select("unit_id", pl.col("unit_id_other").alias("other")), near]
    return pl.concat(pairs).unique(maintain_order=True)


def _near_pairs(archive: Archive, images: pl.DataFrame) -> pl.DataFrame:
    """Pairs across patients, of one kind, that look alike without being exact copies: unit_id, other.

    Candidates differ in at most two bits of the perceptual hash. Images of one body part often do, so their
    thumbnails must also correlate above 0.998. Beyond 20,000 images of a kind all pairs would take too long,
    and the candidates are neighbours in the order of their hashes.
    """
    pairs: list[tuple[str, str]] = []
    for _, group in images.filter(pl.col("phash") != BLANK).group_by("kind", maintain_order=True):
        kind = group.sort("phash", "image_id")
        hashes = np.array([int(text, 16) for text in kind["phash"]], dtype=np.uint64)
        subject = kind["subject_id"].to_numpy()
        exact = kind["sha256"].rank("dense").to_numpy()
        reach = len(hashes) if len(hashes) <= _MOST_COMPARED else 2
        thumbnails: dict[int, np.ndarray] = {}
        for first in range(len(hashes) - 1):
            later = slice(first + 1, first + 1 + reach)
            near = np.bitwise_count(hashes[later] ^ hashes[first]) <= _NEAR_BITS
            near &= (subject[later] != subject[first]) & (exact[later] != exact[first])
            for second in np.flatnonzero(near) + first + 1:
                for place in (first, int(second)):
                    if place not in thumbnails:
                        thumbnails[place] = _thumbnail(archive, kind.row(place, named=True))
                if thumbnails[first] @ thumbnails[int(second)] > _NEAR_CORRELATION:
                    pairs.append((kind["unit_id"][first], kind["unit_id"][int(second)]))
    return pl.DataFrame(pairs, schema={"unit_id": pl.String, "other": pl.String}, orient="row")


def _thumbnail(archive: Archive, image: dict[str, object]) -> np.ndarray:
    """The middle slice at 32 x 32, flattened, centred, of length 1: a product of two is their correlation."""
    from PIL import Image

    array = archive.pixels(image)
    plane = middle_slice(array, colour=image["spacing"] is None and array.ndim == 3).astype(np.float32)
    small = np.asarray(Image.fromarray(plane).resize((32, 32), Image.Resampling.BOX)).reshape(-1)
    centred = small - small.mean()
    return centred / max(float(np.linalg.norm(centred)), 1e-9)
