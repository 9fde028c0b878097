"""Show where tested units lie in the embedding of each encoder before it met a label, a scatter a start.

RUN/embedding.json holds {seed, fitted, labels: [unit], cohorts: [unit], starts: [{arm, shares: [2], points: [[x, y],
one a unit]}]}. A study writes it, the page draws it. Units have no names in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from semeia.archive.atomic import write_json
from semeia.report.content import DataTable, Figure, Section
from semeia.report.names import Names
from semeia.report.numbers import count, number, share
from semeia.report.plots.curve import PANEL, Axes, Drawing, Line, curve
from semeia.report.plots.style import GRADES, LegendItem, Style
from semeia.report.run_folder import Run, read_written

FILE = "embedding.json"
HOLLOW = "external"
READING = (
    "Where grades lie apart, an encoder tells them without having been told. Where they do not, other directions than "
    "these two may still tell them: that is measured under Results, by the frozen encoders."
)


@dataclass(frozen=True)
class Place:
    """One start: shares of the variance of two components, and where each unit lies on them."""

    arm: str
    shares: tuple[float, float]
    points: Float[np.ndarray, "n 2"]


@dataclass(frozen=True)
class EmbeddingMap:
    """All starts of one seed; grade and cohort of each unit; `fitted` is how many the components were fitted on."""

    seed: int
    fitted: int
    labels: list[int]
    cohorts: list[str]
    starts: list[Place]


def embedding_section(run: Run) -> Section | None:
    """Show a scatter a start."""
    names = run.names
    found = read_embedding(run.path)
    if found is None:
        return None
    panels = [_draw(names, one, found, key=f"embedding{place}") for place, one in enumerate(found.starts)]
    outside = HOLLOW in found.cohorts and len(set(found.cohorts)) > 1
    lead = (
        f"The first two principal components of what each encoder makes of a picture (seed {found.seed}), fitted on "
        f"{count(found.fitted)} training units; each mark is a tested one, colour and shape are its grade."
    )
    if outside:
        lead += f" Filled: {names.cohort('internal').lower()}; hollow: {names.cohort(HOLLOW).lower()}."
    legend = [LegendItem(f"Grade {grade}", style_of_grade(grade)) for grade in sorted(set(found.labels))]
    title = "Two components of each embedding"
    figure = Figure("embedding", title, lead, [*panels], _table(names, found), legend)
    return Section("embedding", "What the encoders see before any label", READING, figures=[figure])


def write_embedding(run: Path, found: EmbeddingMap) -> None:
    """Write RUN/embedding.json."""
    rounded = [(one, [round(part, 4) for part in one.shares], np.round(one.points, 3).tolist()) for one in found.starts]
    starts = [{**vars(one), "shares": shares, "points": points} for one, shares, points in rounded]
    write_json(run / FILE, {**vars(found), "starts": starts})


def read_embedding(run: Path) -> EmbeddingMap | None:
    """Return the map of a run; None when it has none."""
    found = read_written(run / FILE, _read)
    return found if found and found.starts and found.labels else None


def _read(record: dict[str, Any]) -> EmbeddingMap:
    labels, cohorts = [int(label) for label in record["labels"]], [str(cohort) for cohort in record["cohorts"]]
    if len(cohorts) != len(labels):
        raise ValueError("labels and cohorts differ in number")
    starts = []
    for one in record["starts"]:
        first, second = one["shares"]
        points = np.array(one["points"], float).reshape(len(labels), 2)
        starts.append(Place(str(one["arm"]), (float(first), float(second)), points))
    return EmbeddingMap(int(record["seed"]), int(record["fitted"]), labels, cohorts, starts)


def style_of_grade(grade: int) -> Style:
    """Return darker with the grade, and a shape of its own."""
    return GRADES[min(grade, len(GRADES) - 1)]


def _table(names: Names, found: EmbeddingMap) -> DataTable:
    """Shares of the variance, and where the middle of each grade is."""
    rows = []
    for one in found.starts:
        start = [names.arm(one.arm, "none"), *(share(part) for part in one.shares)]
        for grade, cohort, chosen in _groups(found):
            middle = [number(float(value), 1) for value in one.points[chosen].mean(0)]
            rows.append([*start, names.cohort(cohort), str(grade), count(int(chosen.sum())), *middle])
    shares = ["Variance, first", "Variance, second"]
    return DataTable(["Start", *shares, "Cohort", "Grade", "Units", "Mean, first", "Mean, second"], rows)


def _groups(found: EmbeddingMap) -> Iterator[tuple[int, str, np.ndarray]]:
    """Grade, cohort and which units those are; the lower grades first, so that the rarer ones lie on top."""
    labels, cohorts = np.array(found.labels), np.array(found.cohorts)
    for grade in sorted(set(found.labels)):
        for cohort in dict.fromkeys(found.cohorts):
            chosen = (labels == grade) & (cohorts == cohort)
            if chosen.any():
                yield grade, cohort, chosen


def _draw(names: Names, one: Place, found: EmbeddingMap, *, key: str) -> Drawing:
    first, second = (share(part) for part in one.shares)
    title = names.arm(one.arm, "none")
    alt = f"{title}: {count(len(found.labels))} tested units on two components, {first} and {second} of the variance."
    # A stray unit must not squeeze all others into a corner.
    low, high = np.percentile(one.points, [0.5, 99.5], axis=0)
    pad = 0.06 * np.maximum(high - low, 1e-6)
    marks = []
    for grade, cohort, chosen in _groups(found):
        x, y = one.points[chosen].T.tolist()
        marks.append(Line(x, y, style_of_grade(grade), width=0, hollow=cohort == HOLLOW))
    across, up = ((float(a - p), float(b + p)) for a, b, p in zip(low, high, pad, strict=True))
    axes = Axes(f"First component ({first})", f"Second ({second})", across, up, bare=True)
    return curve(marks, axes, key=key, title=title, alt=alt, height=PANEL * 0.75)
