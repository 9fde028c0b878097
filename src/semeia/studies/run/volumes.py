"""Draw the clearest hits and misses of one model in three planes, where the archive still has the pixels."""

import numpy as np
import polars as pl

from semeia.archive.store import Archive, open_archive
from semeia.data.crops import LUNG_WINDOW_HU, CropSettings, crop_image
from semeia.data.modalities.volume import HOUNSFIELD, MASK
from semeia.report.sections.examples import Example, Plane, write_examples
from semeia.studies.run.study import Finished

# Display only: finer than what a network sees.
DISPLAY = CropSettings(voxels=(80, 80, 80), voxel_mm=(0.5, 0.5, 0.5), patch=(1, 1, 1))


def show_volumes(finished: Finished, *, arm: str, mode: str, covariates: tuple[str, ...]) -> None:
    """Write four examples into the run, with the covariates of each.

    The model that is looked at, `arm` and `mode`, is fixed beforehand; with all labels, the mean over its seeds.
    """
    full = finished.predictions.filter(
        (pl.col("arm") == arm) & (pl.col("mode") == mode) & (pl.col("fraction") == pl.col("fraction").max())
    )
    if full.is_empty():
        return
    there = [name for name in covariates if name in full.columns]
    one = full.group_by("unit_id", "cohort", "label", *there).agg(pl.col("score").mean()).sort("score", "unit_id")
    positive, negative = (one.filter(pl.col("label") == value) for value in (1, 0))
    wanted = (
        ("a hit: scored high, labelled 1", positive.tail(1)),
        ("a hit: scored low, labelled 0", negative.head(1)),
        ("a miss: scored low, yet labelled 1", positive.head(1)),
        ("a false alarm: scored high, yet labelled 0", negative.tail(1)),
    )
    archive = open_archive(finished.work.inputs.archive)
    examples = []
    for caption, rows in wanted:
        for row in rows.iter_rows(named=True):
            planes, source = planes_of(archive, row["unit_id"])
            about = {name: row[name] for name in ("cohort", *there)}
            words = f"{caption}; {source}"
            examples.append(Example(row["unit_id"], row["label"], row["score"], planes, about, words))
    write_examples(finished.work.run, examples)


def planes_of(archive: Archive, unit: str) -> tuple[dict[str, Plane], str]:
    """Three planes through the centre, from Hounsfield units where there are any, and what is shown in words."""
    images = archive.table("images").filter((pl.col("unit_id") == unit) & (pl.col("kind") != MASK))
    image = images.sort(pl.col("kind") != HOUNSFIELD).row(0, named=True)
    made = crop_image(archive.pixels(image), image["spacing"], intensity=image["intensity"], settings=DISPLAY)
    cube = np.rint(made.voxels[0] * 255).astype(np.uint8)
    depth, height, width = (size // 2 for size in cube.shape)
    # The archive is RAS: rows run to anterior and planes to superior, so both are turned for the usual display.
    cuts = {
        "axial": cube[depth, ::-1, ::-1],
        "coronal": cube[::-1, height, ::-1],
        "sagittal": cube[::-1, :, width],
    }
    millimetres = float(DISPLAY.voxels[0] * DISPLAY.voxel_mm[0])
    low, high = LUNG_WINDOW_HU
    known = {"hu": f"window {low:.0f} to {high:.0f} HU", "per_slice_stretched": "each slice stretched on its own"}
    planes = {name: Plane(np.ascontiguousarray(cut), millimetres, millimetres) for name, cut in cuts.items()}
    return planes, known.get(image["intensity"], "display values")
