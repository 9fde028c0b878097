"""Draw what a study of paired pictures learnt of its two modalities (report/sections/modalities.py).

Which models are shown is fixed by rules that know no result; which pictures, by one that knows the predictions.
"""

from collections.abc import Iterable

import numpy as np
import polars as pl

from semeia.data.dataset import Dataset
from semeia.encoders.fusion import FusionEncoder
from semeia.learning.cells import Cell
from semeia.learning.diagnostics.redrawn import read_redrawn
from semeia.learning.model import FILE, Model, load_model
from semeia.report.sections.modalities import (
    Fused,
    Pixels,
    Placed,
    Redrawn,
    Reliance,
    Strip,
    TwoModalities,
    write_modalities,
)
from semeia.report.sections.pictures import overlaid
from semeia.shapes import Pictures
from semeia.studies.run.arms import Network
from semeia.studies.run.embedding import BEFORE, FITTED, SHOWN, shift_map, some
from semeia.studies.run.pictures import stretched
from semeia.studies.run.study import Finished, fold_of

SHOWN_OF_A_CLASS = ("the true class had the highest chance", "the true class had the lowest chance")
RULE = (
    "The model is the first pretrained one of the study\N{RIGHT SINGLE QUOTATION MARK}s list that fuses both "
    "modalities and shifts their features, with the most labels and the lowest seed, whatever its results. Shown are, "
    "of each class, the tested unit whose true class it gave the highest chance, and the one whose true class it gave "
    "the lowest, of those that have both modalities."
)


class Album:
    """Pictures by the numbers that name their files: no name of the archive goes into a report."""

    def __init__(self) -> None:
        self.pictures: dict[str, Pixels] = {}

    def add(self, pixels: Pixels) -> str:
        """Keep a picture; the name of its file."""
        name = f"{len(self.pictures):02d}.png"
        self.pictures[name] = pixels
        return name


def draw_modalities(finished: Finished) -> None:
    """Write pictures drawn again, and what a fused model looks at, hangs on and shifts, into the run."""
    album = Album()
    redrawn, fused = _redrawn(finished, album), _fused(finished, album)
    if redrawn or fused:
        write_modalities(finished.work.run, TwoModalities(redrawn, fused), album.pictures)


def _redrawn(finished: Finished, album: Album) -> Redrawn | None:
    """What the pretraining of most modalities that draws any, of the lowest seed, drew again."""
    kept = [(cell, read_redrawn(finished.work.run / cell.name)) for cell in finished.first]
    cell, pictures = max(kept, key=lambda one: (len(one[1]), -one[0].seed), default=(None, {}))
    if cell is None or not pictures:
        return None
    strips = []
    for row in range(len(next(iter(pictures.values()))[0])):
        for name, parts in pictures.items():
            said = name.replace("_", " ")
            files = tuple(album.add(_pixels(part[row : row + 1])[0]) for part in parts)
            strips.append(Strip(files, (said, "what is shown of it", "drawn from that")))
    return Redrawn(cell.arm, cell.seed, tuple(strips))


def _fused(finished: Finished, album: Album) -> Fused | None:
    """What the fused model makes of the tested units."""
    work, material, cell = finished.work, finished.work.material, fused_cell(finished)
    if cell is None:
        return None
    arm: Network = finished.arms[cell.arm]
    data, outcome = material.data(arm.model), material.outcome_of(cell)
    model = load_model(work.run / cell.name / FILE)
    fold = fold_of(material, outcome, seed=cell.seed, fraction=cell.fraction)
    generator = np.random.default_rng([cell.seed, 37])
    outside = material.cohort[fold.test] == "external"
    shown = np.concatenate([some(fold.test[outside == place], SHOWN, generator) for place in (False, True)])
    names = model.encoder.kinds
    whole = shown[np.all([data.observed(name)[shown] for name in names], axis=0)]
    if not len(whole):
        return None
    labels, cohorts = material.labels[outcome], material.cohort
    chances = {hidden: _chance(model, data, whole, labels[whole].astype(int), hidden) for hidden in ("", *names)}
    looks = _looks(model, data, whole)
    return Fused(
        *(cell.arm, cell.mode, cell.fraction, cell.seed, RULE, names),
        reliance=tuple(_reliance(chances, looks, labels[whole].astype(int), cohorts[whole])),
        strips=tuple(_examples(model, data, whole, labels[whole].astype(int), chances[""], looks, album)),
        placed=tuple(_placed(model, data, some(fold.pretraining, FITTED, generator), shown, labels, cohorts)),
    )


def fused_cell(finished: Finished) -> Cell | None:
    """The model that is shown, by what it is and never by how it did."""
    order = list(finished.arms)

    def shifts(cell: Cell) -> bool:
        arm = finished.arms[cell.arm]
        fusion = arm.finetuning.supervised.fusion if isinstance(arm, Network) else None
        return fusion is not None and fusion.shift != "none"

    def first(cell: Cell) -> tuple[bool, float, int, int]:
        return not finished.arms[cell.arm].pretraining, -cell.fraction, cell.seed, order.index(cell.arm)

    return min(filter(shifts, finished.then), key=first, default=None)


def _chance(model: Model, data: Dataset, rows: np.ndarray, labels: np.ndarray, hidden: str) -> np.ndarray:
    """The chance of each unit's true class, with a modality hidden or none."""
    scores = model.score(data, rows, hide=(hidden,) if hidden else ())
    chances = np.stack([1 - scores, scores], 1) if scores.ndim == 1 else scores
    return chances[np.arange(len(rows)), labels]


def _looks(model: Model, data: Dataset, rows: np.ndarray) -> dict[str, np.ndarray]:
    """By modality that is asked, how much each of its patches is looked at, [unit, patch]."""
    if not isinstance(model.encoder, FusionEncoder):
        raise ValueError("a model that was fine-tuned with a fusion has fusion blocks")
    maps = model.encoder.attention(model.batch(data, rows))
    return {name: looks.cpu().double().numpy() for name, looks in maps.items() if bool(looks.any())}


def _reliance(
    chances: dict[str, np.ndarray], looks: dict[str, np.ndarray], labels: np.ndarray, cohorts: np.ndarray
) -> Iterable[Reliance]:
    """Means over the units of each cohort and class."""
    names = [name for name in chances if name]
    for cohort in dict.fromkeys(cohorts.tolist()):
        for label in np.unique(labels).tolist():
            mine = (cohorts == cohort) & (labels == label)
            if not mine.any():
                continue
            means = {hidden: round(float(chance[mine].mean()), 4) for hidden, chance in chances.items()}
            looked = tuple(round(gathered(looks[name][mine]), 4) if name in looks else None for name in names)
            yield Reliance(cohort, label, int(mine.sum()), means[""], tuple(means[name] for name in names), looked)


def gathered(looks: np.ndarray) -> float:
    """Mean share of the attention, [unit, patch], on the quarter of the patches that a unit looks at most."""
    most = np.sort(looks, axis=1)[:, ::-1][:, : max(looks.shape[1] // 4, 1)]
    return float((most.sum(1) / looks.sum(1)).mean())


def _examples(
    model: Model,
    data: Dataset,
    rows: np.ndarray,
    labels: np.ndarray,
    chances: np.ndarray,
    looks: dict[str, np.ndarray],
    album: Album,
) -> Iterable[Strip]:
    """Of each class the units with the highest and the lowest chance of it; a map of each modality that is asked."""
    for label in np.unique(labels).tolist():
        mine = np.flatnonzero(labels == label)
        ends = dict.fromkeys((int(mine[chances[mine].argmax()]), int(mine[chances[mine].argmin()])))
        for at, why in zip(ends, SHOWN_OF_A_CLASS, strict=False):
            batch = model.batch(data, rows[at : at + 1])
            pictures = {name: _pixels(seen.values[:, 0, :, 0])[0] for name, seen in batch.modalities.items()}
            files = [(album.add(pixels), name.replace("_", " ")) for name, pixels in pictures.items()]
            for name, each in looks.items():
                rows_of, columns = model.modalities[name].crop.grid[1:]  # pyright: ignore[reportAttributeAccessIssue]
                where = stretched(each[at].reshape(rows_of, columns) / each[at].max(), pictures[name].shape[:2])
                files.append((album.add(overlaid(_gray(pictures[name]), where)), "where it is looked at"))
            caption = f"True class {label}: {why}, {chances[at]:.2f}"
            yield Strip(tuple(file for file, _ in files), tuple(words for _, words in files), caption)


def _placed(
    model: Model, data: Dataset, fitted: np.ndarray, shown: np.ndarray, labels: np.ndarray, cohorts: np.ndarray
) -> Iterable[Placed]:
    """Units before and after each shift, by the modality that shifts."""
    units = data.units["unit_id"].gather(shown)
    known = pl.DataFrame({"unit_id": units, "label": labels[shown].astype(int), "cohort": cohorts[shown]})
    table = shift_map(model, data, fitted=fitted, shown=shown).join(known, on="unit_id", maintain_order="left")
    for (feature,), part in table.group_by("feature", maintain_order=True):
        points = np.round(part.select("x", "y").to_numpy(), 3).tolist()
        named = "" if feature == BEFORE else str(feature)
        yield Placed(named, tuple(part["label"]), tuple(part["cohort"]), tuple((x, y) for x, y in points))


def _pixels(pictures: Pictures) -> np.ndarray:
    """Values in [0, 1] as 8 bits, [image, height, width], or with colours last."""
    levels = np.rint(pictures.clamp(0, 1).nan_to_num().cpu().numpy() * 255).astype(np.uint8)
    return levels[:, 0] if levels.shape[1] == 1 else np.moveaxis(levels, 1, 3)


def _gray(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.ndim == 2 else np.rint(pixels.mean(2)).astype(np.uint8)
