"""The end of the nodule study: its results table, its cohort flow, and a few nodules to look at."""

from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.store import Archive, open_archive
from semeia.evaluation import EvaluationSettings
from semeia.report.flow import Box, counted
from semeia.report.sections.examples import Example, Plane, write_examples
from semeia.studies.results import write_results
from semeia.views.crops import LUNG_WINDOW_HU, CropSettings, crop_image
from semeia.views.dataset import PatientData

REFERENCES = (
    "image_scratch/finetune",
    "multimodal_scratch/finetune",
    "random_encoder/frozen",
    "diameter",
    "image_components",
)
STRATUM = "diameter_mm >= 9 AND diameter_mm <= 16"
SHOWN = ("multimodal_jepa", "probe_finetune")
# Display only: finer than what the network sees.
DISPLAY = CropSettings(voxels=(80, 80, 80), voxel_mm=(0.5, 0.5, 0.5), patch=(1, 1, 1))


def evaluate_run(run: Path, predictions: pl.DataFrame, *, draws: int, audit: pl.DataFrame) -> list[str]:
    """Writes results.csv and tables/: all nodules, and those of 9 to 16 mm; returns the evaluation's notes."""
    covariate = "diameter_mm" if "diameter_mm" in predictions.columns else None
    strata = (
        EvaluationSettings(draws=draws, references=REFERENCES, where=where, covariate=covariate)
        for where in (None, STRATUM)
    )
    return write_results(run, predictions, settings=tuple(strata), further={"leakage": audit})


def show_examples(run: Path, archive: Path, predictions: pl.DataFrame) -> None:
    """Draws the clearest hits and misses of one model in three planes, where the archive still has the pixels."""
    full = predictions.filter((pl.col("arm") == SHOWN[0]) & (pl.col("mode") == SHOWN[1]) & (pl.col("fraction") == 1.0))
    one = full.group_by("unit_id", "cohort", "label", "diameter_mm", "manufacturer").agg(pl.col("score").mean())
    one = one.sort("score", "unit_id")
    opened = open_archive(archive)
    wanted = (
        ("scored high, malignant in the other readers' opinion", one.filter(pl.col("label") == 1).tail(1)),
        ("scored low, benign in the other readers' opinion", one.filter(pl.col("label") == 0).head(1)),
        ("a miss: scored low, yet rated malignant", one.filter(pl.col("label") == 1).head(1)),
        ("a false alarm: scored high, yet rated benign", one.filter(pl.col("label") == 0).tail(1)),
    )
    examples = []
    for caption, rows in wanted:
        for row in rows.iter_rows(named=True):
            covariates = {name: row[name] for name in ("cohort", "diameter_mm", "manufacturer")}
            planes, source = planes_of(opened, row["unit_id"])
            examples.append(
                Example(
                    unit_id=row["unit_id"],
                    label=row["label"],
                    score=row["score"],
                    planes=planes,
                    covariates=covariates,
                    caption=f"{caption}; {source}",
                )
            )
    write_examples(run, examples)


def planes_of(archive: Archive, unit: str) -> tuple[dict[str, Plane], str]:
    """Three planes through the centre, from Hounsfield units where there are any, and what is shown in words."""
    images = archive.table("images").filter(pl.col("unit_id") == unit)
    image = images.sort(pl.col("kind") != "hu").row(0, named=True)
    made = crop_image(archive.pixels(image), image["spacing"], intensity=image["intensity"], settings=DISPLAY)
    cube = np.rint(made.voxels * 255).astype(np.uint8)
    depth, height, width = (size // 2 for size in cube.shape)
    # The archive is RAS: rows run to anterior and planes to superior, so both are turned for the usual display.
    cuts = {
        "axial": cube[depth, ::-1, ::-1],
        "coronal": cube[::-1, height, ::-1],
        "sagittal": cube[::-1, :, width],
    }
    millimetres = float(DISPLAY.voxels[0] * DISPLAY.voxel_mm[0])
    low, high = LUNG_WINDOW_HU
    words = f"window {low:.0f} to {high:.0f} HU" if image["kind"] == "hu" else "each slice stretched on its own"
    return {
        name: Plane(pixels=np.ascontiguousarray(cut), width_mm=millimetres, height_mm=millimetres)
        for name, cut in cuts.items()
    }, words


def flow(data: PatientData, labels: np.ndarray, cohort: np.ndarray, internal: str) -> list[Box]:
    """The cohort flow, counted."""
    labelled = ~np.isnan(labels)
    subject = data.units["subject_id"].to_numpy()

    box = partial(counted, patients=subject)
    unknown, inside, outside = (cohort == name for name in ("unknown", "internal", "external"))
    positive = labels == 1
    return [
        box("In the archive", "archive", np.ones(len(subject), bool)),
        box("External without a label", "excluded", outside & ~labelled, note="never pretrained on, never tested on"),
        box("May be pretrained on", "pretraining", inside | unknown, note="each seed leaves out the fold it tests"),
        box("of unknown manufacturer", "pretraining", unknown, note="pretraining only"),
        box(
            f"{internal}, labelled",
            "internal",
            inside & labelled,
            note=f"{int((inside & positive).sum())} malignant",
        ),
        box(
            "Other manufacturers, labelled",
            "external",
            outside & labelled,
            note=f"{int((outside & positive).sum())} malignant",
        ),
    ]
