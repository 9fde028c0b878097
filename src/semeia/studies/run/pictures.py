"""Draw a few tested pictures with what one model looked at.

Which model is fixed by a rule that knows no result: the first pretrained arm. Which pictures, by one that knows its
predictions: of every class the one called rightly with the highest chance, and the misses whose expected class is
farthest from the true one.
"""

from dataclasses import replace

import numpy as np
import polars as pl
import torch

from semeia.archive.store import open_archive
from semeia.data.crops import CropSettings, crop_image
from semeia.data.modalities import Picture
from semeia.encoders.saliency import saliency
from semeia.learning.cells import Cell
from semeia.learning.model import FILE, Model, load_model
from semeia.report.sections.pictures import Explained, Shown, write_pictures
from semeia.shapes import ModalityMask, Pooled
from semeia.studies.run.arms import Network
from semeia.studies.run.study import Finished

MISSES = 2
SQUARE = 16
WIDEST = 240  # of a drawn picture, in pixels: finer than what the network sees
RULE = (
    "The model is the first pretrained one of the study\N{RIGHT SINGLE QUOTATION MARK}s list, fine-tuned where that "
    "was done, with the most labels and the lowest seed, whatever its results. Shown are, of each class, the tested "
    "picture that it called rightly with the highest chance, and the worst misses: those whose expected class is "
    "farthest from the true one, of each cohort first. A class that is missing was never called rightly."
)


def show_pictures(finished: Finished) -> None:
    """Write a few tested pictures with their maps into the run (report/sections/pictures.py)."""
    material = finished.work.material
    outcome = material.outcomes[0]
    cell = shown_cell(finished)
    if cell is None:
        return
    mine = finished.predictions.filter(
        pl.col("outcome") == outcome,
        pl.col("arm") == cell.shown,
        pl.col("mode") == cell.mode,
        pl.col("fraction") == cell.fraction,
        pl.col("seed") == cell.seed,
    )
    arm: Network = finished.arms[cell.arm]
    data = material.data(arm.model)
    modality = next((name for name in arm.modalities if isinstance(data.modalities[name], Picture)), "")
    picture = data.modalities.get(modality)
    if not isinstance(picture, Picture):
        return
    place = {unit: row for row, unit in enumerate(data.units["unit_id"])}
    there = data.observed(modality)
    chosen = [(row, words) for row, words in chosen_pictures(mine) if there[place[row["unit_id"]]]]
    rows = np.array([place[row["unit_id"]] for row, _ in chosen])
    if not len(rows):
        return
    model = load_model(finished.work.run / cell.name / FILE)
    maps = maps_of(model, model.batch(data, rows), modality)
    inputs = finished.work.inputs
    archives = [open_archive(path) for path in (inputs.archive, inputs.external) if path is not None]
    images = [(archive, image) for archive in archives for image in picture.find(archive).iter_rows(named=True)]
    newest = data.observations[modality].slot[rows, 0]
    pictures = []
    for (row, words), where, slot in zip(chosen, maps, newest, strict=True):
        archive, image = images[slot]
        pixels = drawn(archive.pixels(image), image, picture.crop)
        chances = tuple(float(row[name]) for name in row if name.startswith("score_"))
        shown = stretched(where, pixels.shape)
        pictures.append(Explained(pixels, shown, int(row["label"]), chances, row["cohort"], words))
    write_pictures(finished.work.run, Shown(cell.arm, cell.mode, cell.fraction, cell.seed, RULE), pictures)


def shown_cell(finished: Finished) -> Cell | None:
    """The model to look into, by what it is and never by how it did; None where only simple ones were run."""
    order, main = list(finished.arms), finished.work.material.outcomes[0]
    cells = [
        cell
        for cell in finished.then
        if isinstance(finished.arms[cell.arm], Network) and finished.work.material.outcome_of(cell) == main
    ]

    def first(cell: Cell) -> tuple[bool, bool, float, int, int]:
        unlearnt = not finished.arms[cell.arm].pretraining
        return unlearnt, cell.mode != "finetune", -cell.fraction, cell.seed, order.index(cell.arm)

    return min(cells, key=first, default=None)


def chosen_pictures(predictions: pl.DataFrame) -> list[tuple[dict, str]]:
    """Which tested pictures are shown, each with why: the clearest right one of a class, and the worst misses."""
    scores = [name for name in predictions.columns if name.startswith("score_")]
    chances = predictions.select(scores).to_numpy()
    known = predictions.with_columns(
        pl.Series("called", chances.argmax(1)),
        pl.Series("chance", chances.max(1)),
        pl.Series("expected", chances @ np.arange(chances.shape[1])),
    ).with_columns(off=(pl.col("expected") - pl.col("label")).abs())
    right = known.filter(pl.col("called") == pl.col("label")).sort("chance", "unit_id", descending=[True, False])
    chosen = [
        (row, "called rightly, with the highest chance of its class")
        for row in right.unique("label", keep="first", maintain_order=True).sort("label").iter_rows(named=True)
    ]
    misses = known.filter(pl.col("called") != pl.col("label")).sort("off", "unit_id", descending=[True, False])
    # One of each cohort before a second one of any.
    turn = misses.with_columns(turn=pl.int_range(pl.len()).over("cohort")).sort("turn", maintain_order=True)
    return [
        *chosen,
        *((row, f"a miss, expected class {row['expected']:.1f}") for row in turn.head(MISSES).iter_rows(named=True)),
    ]


def maps_of(model: Model, batch, modality: str) -> np.ndarray:
    """How much the expected class depends on each place of what the network sees, [row, height, width] in [0, 1]."""
    if model.head is None:
        raise ValueError("a model that scored has a head")
    head = model.head.cpu().eval()

    def expected(pooled: Pooled, there: ModalityMask) -> torch.Tensor:
        chances = head.task.probabilities(head(pooled.float(), there))
        return chances @ torch.arange(chances.shape[1], dtype=chances.dtype)

    return saliency(model.encoder, expected, batch, modality=modality, cells=head.cells, size=SQUARE).numpy()


def drawn(pixels: np.ndarray, image: dict, crop: CropSettings) -> np.ndarray:
    """The part of a picture that the network sees, gray and finer, uint8 [height, width]."""
    finer = max(WIDEST // crop.voxels[2], 1)
    _, height, width = crop.voxels
    grid = replace(crop, voxels=(1, finer * height, finer * width), patch=(1, 1, 1))
    made = crop_image(pixels, image["spacing"], intensity=image["intensity"], settings=grid)
    return np.rint(made.voxels[0, 0] * 255).astype(np.uint8)


def stretched(where: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A map on the grid of the drawn picture, smoothly."""
    from PIL import Image

    grown = Image.fromarray(where.astype(np.float32)).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(grown, np.float64).clip(0, 1)
