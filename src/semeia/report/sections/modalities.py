"""Show what a study of two modalities learnt of them: pictures drawn again, what is asked of whom, features shifted.

RUN/modalities/modalities.json holds {redrawn, fused}, either of which may be null; the pictures that it names
are 8-bit PNG files beside it. A study writes it, the page draws it. Units have no names in it.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from semeia.archive.atomic import write_bytes, write_json
from semeia.errors import InputError
from semeia.report.content import DataTable, Figure, Section, TitledTable
from semeia.report.names import Names
from semeia.report.numbers import count, listed, number, percent, share
from semeia.report.plots.curve import PANEL, Axes, Drawing, Line, curve
from semeia.report.plots.style import LegendItem
from semeia.report.run_folder import Run, read_written
from semeia.report.sections.embedding import style_of_grade
from semeia.report.sections.examples import png, png_uri
from semeia.settings_json import from_plain

FOLDER, LIST = "modalities", "modalities.json"
HOLLOW = "external"
Pixels = UInt8[np.ndarray, "..."]


@dataclass(frozen=True)
class Strip:
    """Pictures side by side: files of the folder, or data URIs as the page shows them; and words under each."""

    files: tuple[str, ...]
    words: tuple[str, ...]
    caption: str = ""

    @property
    def pictures(self) -> list[tuple[str, str]]:
        """Return each picture with its words."""
        return list(zip(self.files, self.words, strict=True))


@dataclass(frozen=True)
class Redrawn:
    """Pictures that a masked autoencoder drew again, and whose it is."""

    arm: str
    seed: int
    strips: tuple[Strip, ...]


@dataclass(frozen=True)
class Reliance:
    """How the answer on the tested units of a class hangs on each modality.

    Attributes:
        chance: mean chance of the true class, with all modalities.
        without: the same with each modality hidden.
        looked: of each modality the mean share of its attention that falls on the quarter of its patches that is looked
            at most; null where it is never asked.
    """

    cohort: str
    label: int
    units: int
    chance: float
    without: tuple[float, ...]
    looked: tuple[float | None, ...]


@dataclass(frozen=True)
class Placed:
    """Where units lie on two components: `modality` shifted them, or none did."""

    modality: str
    labels: tuple[int, ...]
    cohorts: tuple[str, ...]
    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not len(self.labels) == len(self.cohorts) == len(self.points):
            raise InputError("labels, cohorts and points differ in number")


@dataclass(frozen=True)
class Fused:
    """What one model makes of both modalities, and by which rule it was chosen."""

    arm: str
    mode: str
    fraction: float
    seed: int
    rule: str
    modalities: tuple[str, ...]
    reliance: tuple[Reliance, ...]
    strips: tuple[Strip, ...]
    placed: tuple[Placed, ...]


@dataclass(frozen=True)
class TwoModalities:
    """All of it."""

    redrawn: Redrawn | None
    fused: Fused | None


def modalities_section(run: Run) -> Section | None:
    """Show pictures drawn again, what the fused answer hangs on, and units before and after their shift."""
    found = read_modalities(run.path)
    if found is None:
        return None
    names, blocks = run.names, []
    if found.redrawn:
        lead = (
            f"{names.arm(found.redrawn.arm, 'none')} (seed {found.redrawn.seed}) draws the hidden patches of a picture "
            "from the others. The patients are on the training side, but pretraining did not see them. Two rows after "
            "each other are of one scene."
        )
        blocks.append(("Pairs, and pictures drawn again", lead, found.redrawn.strips))
    if found.fused is None:
        return Section("modalities", "The two modalities", blocks[0][1], own=blocks)
    model = f"{names.arm(found.fused.arm, found.fused.mode)}, {percent(found.fused.fraction)} of the labels, seed "
    model += str(found.fused.seed)
    blocks.append(("Where the fused answer looks", _looks(found.fused, model), found.fused.strips))
    return Section(
        "modalities",
        "The two modalities",
        "Pictures drawn again, where the fused answer looks and what it hangs on, features before and after the shift.",
        [found.fused.rule],
        [_shift_figure(found.fused, names, model)],
        [_reliance_table(found.fused, names, model)],
        own=blocks,
    )


def _looks(fused: Fused, model: str) -> str:
    asked = listed([_words(name) for name, looked in zip(fused.modalities, _asked(fused), strict=True) if looked])
    return (
        f"{model}. The stronger the orange, the more the last fusion block looks at that place of {asked}; each map is "
        "relative to its own strongest place. Attention says where a model looks, not why it answers so: what the "
        "answer hangs on is measured below, by hiding a modality. Single cases illustrate; they prove nothing."
    )


def write_modalities(run: Path, found: TwoModalities, pictures: dict[str, Pixels]) -> None:
    """Write RUN/modalities: pictures by their names, the list that names them last, and remove earlier ones."""
    folder = run / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in pictures.items():
        write_bytes(folder / name, png(pixels))
    write_json(folder / LIST, asdict(found))
    for path in folder.glob("*.png"):
        if path.name not in pictures:
            path.unlink()


def read_modalities(run: Path) -> TwoModalities | None:
    """Return what a run has of it, ready to be shown; None when it has nothing."""
    folder = run / FOLDER

    def with_pictures(strips: tuple[Strip, ...]) -> tuple[Strip, ...]:
        return tuple(replace(one, files=tuple(png_uri(folder, name) for name in one.files)) for one in strips)

    def read(record: Any) -> TwoModalities:
        found = from_plain(TwoModalities, record)
        redrawn, fused = found.redrawn, found.fused
        return TwoModalities(
            redrawn and replace(redrawn, strips=with_pictures(redrawn.strips)),
            fused and replace(fused, strips=with_pictures(fused.strips)),
        )

    found = read_written(folder / LIST, read)
    return found if found and (found.redrawn or found.fused) else None


def _words(modality: str) -> str:
    return modality.replace("_", " ")


def _asked(fused: Fused) -> list[bool]:
    """Which modalities are looked at: of two, where the first one asks, the second."""
    return [any(one.looked[at] is not None for one in fused.reliance) for at in range(len(fused.modalities))]


def _reliance_table(fused: Fused, names: Names, model: str) -> TitledTable:
    """Mean chance of the true class with a modality hidden, and how gathered the attention is; a row a class."""
    asked = [at for at, yes in enumerate(_asked(fused)) if yes]
    columns = ["Cohort", "Class", "Units", "Chance of the true class"]
    columns += [f"without {_words(name)}" for name in fused.modalities]
    columns += [f"attention on the most looked at quarter of {_words(fused.modalities[at])}" for at in asked]
    rows = [
        [
            *(names.cohort(one.cohort), str(one.label), count(one.units), number(one.chance)),
            *(number(value) for value in one.without),
            *("-" if (value := one.looked[at]) is None else share(value) for at in asked),
        ]
        for one in fused.reliance
    ]
    note = (
        f"{model}; means over tested units that have all modalities. A modality on which the answer hangs lowers the "
        "chance of the true class when it is hidden. Attention spread evenly would have 25\u00a0% on a quarter."
    )
    return TitledTable("What the fused answer hangs on", note, DataTable(columns, rows))


def _shift_figure(fused: Fused, names: Names, model: str) -> Figure:
    """A panel before the shift, and one for each modality that shifts; the same axes for all."""
    every = np.array([point for one in fused.placed for point in one.points], float).reshape(-1, 2)
    low, high = np.percentile(every, [0.5, 99.5], axis=0) if len(every) else (np.zeros(2), np.ones(2))
    pad = 0.06 * np.maximum(high - low, 1e-6)
    across, up = ((float(a - p), float(b + p)) for a, b, p in zip(low, high, pad, strict=True))
    axes = Axes("First component", "Second", across, up, bare=True)
    panels, rows = [], []
    for place, one in enumerate(fused.placed):
        title = f"Shifted by {_words(one.modality)}" if one.modality else "Before the shift"
        panels.append(_draw(one, axes, key=f"shift{place}", title=title))
        rows += _middles(one, title)
    classes = sorted({label for one in fused.placed for label in one.labels})
    lead = (
        f"{model}: tested units on the first two principal components of the fused feature, as it is and shifted "
        "towards the centre of each modality's cluster; components are fitted on training units. Colour and shape are "
        "the class."
    )
    if any(HOLLOW in one.cohorts for one in fused.placed):
        lead += f" Filled: {names.cohort('internal').lower()}; hollow: {names.cohort(HOLLOW).lower()}."
    legend = [LegendItem(f"Class {label}", style_of_grade(label)) for label in classes]
    table = DataTable(["Feature", "Class", "Units", "Mean, first", "Mean, second"], rows)
    return Figure("shift", "Units before and after the shift", lead, [*panels], table, legend)


def _draw(one: Placed, axes: Axes, *, key: str, title: str) -> Drawing:
    points, labels, cohorts = np.array(one.points).reshape(-1, 2), np.array(one.labels), np.array(one.cohorts)
    marks = []
    for label in sorted(set(one.labels)):
        for cohort in dict.fromkeys(one.cohorts):
            chosen = (labels == label) & (cohorts == cohort)
            x, y = points[chosen].T.tolist()
            marks.append(Line(x, y, style_of_grade(label), width=0, hollow=cohort == HOLLOW))
    alt = f"{title}: {count(len(labels))} tested units on two components."
    return curve(marks, axes, key=key, title=title, alt=alt, height=PANEL * 0.75)


def _middles(one: Placed, title: str) -> list[list[str]]:
    points, labels = np.array(one.points).reshape(-1, 2), np.array(one.labels)
    rows = []
    for label in sorted(set(one.labels)):
        middle = [number(float(value), 1) for value in points[labels == label].mean(0)]
        rows.append([title, str(label), count(int((labels == label).sum())), *middle])
    return rows
