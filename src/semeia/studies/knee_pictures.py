"""A few tested knees with what one model looked at: a finished run and its predictions go in; pictures come out.

Which arm is fixed by a rule that knows no result: the first pretrained start. Which knees, by one that knows its
predictions: of every grade the one graded rightly with the highest chance, and the misses whose expected grade is
farthest from the true one.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import torch

from semeia.archive.store import Archive, open_archive
from semeia.encoders.saliency import saliency
from semeia.learning.model import FILE, Model, load_model
from semeia.readers.knees import OUTCOME
from semeia.report.sections.pictures import Explained, Shown, write_pictures
from semeia.shapes import ModalityMask, Pooled
from semeia.studies.grid import Cell
from semeia.studies.knee_arms import STARTS, Training, parts_of
from semeia.studies.knee_data import GRADES, Knees, Sources, load_knees
from semeia.views.batch import views_of
from semeia.views.crops import CropSettings, crop_image
from semeia.views.dataset import model_images

MISSES = 2
SQUARE = 16
WIDEST = 240  # of a drawn picture, in pixels: finer than what the network sees
RULE = (
    "The model is the first pretrained one of the study\N{RIGHT SINGLE QUOTATION MARK}s list, fine-tuned where that "
    "was done, with the most labels and the lowest seed, whatever its results. Shown are, of each grade, the tested "
    "knee that it graded rightly with the highest chance, and the worst misses: the knees whose expected grade is "
    "farthest from the true one, of each cohort first. A grade that is missing was never graded rightly."
)


def show_knees(run: Path, sources: Sources, knees: Knees, predictions: pl.DataFrame, training: Training) -> None:
    """Writes a few tested knees with their maps into the run (report/pictures_section.py).

    Args:
        run: its folder.
        sources: where the pixels are.
        knees: all knees, on the grid of the study.
        predictions: of the run.
        training: how its networks were trained.
    """
    graded = predictions.filter(pl.col("outcome") == OUTCOME)
    cell = shown_cell(graded)
    if cell is None:
        return
    mine = graded.filter(
        pl.col("arm") == cell.arm,
        pl.col("mode") == cell.mode,
        pl.col("fraction") == cell.fraction,
        pl.col("seed") == cell.seed,
    )
    crop = training.model_of(parts_of(cell.arm)[0]).crop
    seen = knees if knees.data.crop == crop else load_knees(sources, crop=crop, cache=run / "cache")
    place = {unit: row for row, unit in enumerate(seen.data.units["unit_id"])}
    chosen = [(row, words) for row, words in chosen_knees(mine) if row["unit_id"] in place]
    rows = np.array([place[row["unit_id"]] for row, _ in chosen])
    if not len(rows):
        return
    maps = maps_of(load_model(run / cell.name / FILE), seen, rows)
    archives = [open_archive(path) for path in (sources.archive, sources.external) if path is not None]
    pictures = []
    for (row, words), where in zip(chosen, maps, strict=True):
        pixels = drawn(archives[row["cohort"] == "external"], row["unit_id"], crop)
        chances = tuple(float(row[f"score_{grade}"]) for grade in range(GRADES))
        pictures.append(
            Explained(pixels, stretched(where, pixels.shape), int(row["label"]), chances, row["cohort"], words)
        )
    write_pictures(run, Shown(cell.arm, cell.mode, cell.fraction, cell.seed, RULE), pictures)


def shown_cell(predictions: pl.DataFrame) -> Cell | None:
    """The model to look into, by what it is and never by how it did; None where only baselines were run."""
    cells = [
        Cell(*key) for key in predictions.select("arm", "mode", "fraction", "seed").unique(maintain_order=True).rows()
    ]
    networks = [cell for cell in cells if parts_of(cell.arm)[0] in STARTS and cell.mode != "none"]
    order = list(STARTS)

    def first(cell: Cell) -> tuple[bool, bool, float, int, int, str]:
        start = parts_of(cell.arm)[0]
        return (
            not STARTS[start].terms,
            cell.mode != "finetune",
            -cell.fraction,
            cell.seed,
            order.index(start),
            cell.arm,
        )

    return min(networks, key=first, default=None)


def chosen_knees(predictions: pl.DataFrame) -> list[tuple[dict, str]]:
    """Which tested knees are shown, each with why: the clearest right one of a grade, and the worst misses."""
    scores = [f"score_{grade}" for grade in range(GRADES)]
    chances = predictions.select(scores).to_numpy()
    called = chances.argmax(1)
    known = predictions.with_columns(
        pl.Series("called", called),
        pl.Series("chance", chances.max(1)),
        pl.Series("expected", chances @ np.arange(GRADES)),
    ).with_columns(off=(pl.col("expected") - pl.col("label")).abs())
    right = known.filter(pl.col("called") == pl.col("label")).sort("chance", "unit_id", descending=[True, False])
    found = [
        (row, "graded rightly, with the highest chance of its grade")
        for row in right.unique("label", keep="first", maintain_order=True).sort("label").iter_rows(named=True)
    ]
    misses = known.filter(pl.col("called") != pl.col("label")).sort("off", "unit_id", descending=[True, False])
    # One of each cohort before a second one of any.
    turn = misses.with_columns(turn=pl.int_range(pl.len()).over("cohort")).sort("turn", maintain_order=True)
    for row in turn.head(MISSES).iter_rows(named=True):
        found.append((row, f"a miss, expected grade {row['expected']:.1f}"))
    return found


def maps_of(model: Model, knees: Knees, rows: np.ndarray) -> np.ndarray:
    """How much the expected grade depends on each place of what the network sees, [row, height, width] in [0, 1]."""
    head = model.head
    if head is None:
        raise ValueError("a model that scored has a head")
    head = head.cpu().eval()

    def expected(pooled: Pooled, there: ModalityMask) -> torch.Tensor:
        chances = head.task.probabilities(head(pooled.float(), there))
        return chances @ torch.arange(chances.shape[1], dtype=chances.dtype)

    views = views_of(knees.data, rows, preprocessing=model.preprocessing)
    return saliency(model.encoder, expected, views, cells=head.cells, size=SQUARE).numpy()


def drawn(archive: Archive, unit: str, crop: CropSettings) -> np.ndarray:
    """The part of a picture that the network sees, as it sees it but finer, uint8 [height, width]."""
    image = model_images(archive).row(by_predicate=pl.col("unit_id") == unit, named=True)
    finer = max(WIDEST // crop.voxels[2], 1)
    _, height, width = crop.voxels
    grid = replace(crop, voxels=(1, finer * height, finer * width), patch=(1, 1, 1))
    made = crop_image(archive.pixels(image), image["spacing"], intensity=image["intensity"], settings=grid)
    return np.rint(made.voxels[0] * 255).astype(np.uint8)


def stretched(where: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A map on the grid of the drawn picture, smoothly."""
    from PIL import Image

    grown = Image.fromarray(where.astype(np.float32)).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(grown, np.float64).clip(0, 1)
