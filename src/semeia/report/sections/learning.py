"""Show learning curves from metrics.jsonl: each logged term by epoch, averaged over the seeds of an arm.

Of the fine-tuning cells, those with all labels are shown.
"""

import math
from collections import defaultdict

from semeia.report.content import DataTable, Figure, Section
from semeia.report.names import Names, Pair
from semeia.report.numbers import number
from semeia.report.plots.curve import PANEL, Axes, Drawing, Line, curve
from semeia.report.plots.style import LegendItem, Style
from semeia.report.run_folder import Run

PHASES = {"pretrain": "Pretraining", "finetune": "Fine-tuning, all labels", "probe": "Probe, all labels"}
NOT_TERMS = {"cell", "phase", "step", "epoch", "seed", "lr", "learning_rate", "seconds", "time", "throughput", "eta"}
MOST_TERMS = 4

Points = list[tuple[float, float, float, float]]  # epoch, mean, smallest and largest over seeds


def learning_section(run: Run) -> Section | None:
    """Show how the losses went."""
    names = run.names
    figures = learning_figures(run.metrics, names)
    lead = "Whether training had come to rest: a line that still falls at its end was stopped early."
    return Section("learning", "Learning curves", lead, figures=figures, files=("metrics.jsonl",)) if figures else None


def learning_figures(metrics: list[dict[str, object]], names: Names) -> list[Figure]:
    """Draw one figure a phase with a panel for each term; an empty list when nothing was logged."""
    phases = list(dict.fromkeys(str(m["phase"]) for m in metrics if "phase" in m))
    figures = [_phase(phase, [m for m in metrics if str(m.get("phase")) == phase], names) for phase in phases]
    return [figure for figure in figures if figure is not None]


def _phase(phase: str, metrics: list[dict[str, object]], names: Names) -> Figure | None:
    lines = _lines(metrics)
    if not lines:
        return None
    pairs = list(dict.fromkeys(pair for term in lines.values() for pair in term))
    title = PHASES.get(phase, phase)
    key = f"learning-{'-'.join(''.join(c if c.isalnum() else ' ' for c in phase).split()) or 'x'}"
    panels, rows = [], []
    for index, (term, curves) in enumerate(lines.items()):
        cells = []
        for pair, line in curves.items():
            epoch, (mean, low, high) = number(line[-1][0], 0), (number(value, 3) for value in line[-1][1:])
            cells.append([term, names.arm(*pair), epoch, f"{mean} ({low} to {high})"])
        words = "; ".join(f"{arm} ends at {value}" for _, arm, _, value in cells)
        alt = f"Learning curves, {title}, {term}. {words}"
        panels.append(_draw(curves, names, title=term.replace("_", " "), key=f"{key}{index}", alt=alt))
        rows.extend(cells)
    lead = "Mean over seeds; the band is from the smallest to the largest seed."
    if phase == "pretrain":
        lead += " A falling loss alone does not show that anything was learned: read it beside the diagnostics."
    table = DataTable(["Term", "Arm", "Last epoch", "Value there (smallest to largest seed)"], rows)
    legend = [LegendItem(names.arm(*pair), _style(pair, names)) for pair in pairs]
    return Figure(key, title, lead, panels, table, legend)


def _lines(metrics: list[dict[str, object]]) -> dict[str, dict[Pair, Points]]:
    """term -> (arm, mode) -> points. Steps of one epoch are averaged within a seed first."""
    values: dict[str, dict[Pair, dict[float, dict[str, list[float]]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    )
    cells = {str(m.get("cell", "")): _pair(str(m.get("cell", ""))) for m in metrics}
    largest = {pair: max(f for p, f in cells.values() if p == pair) for pair in {p for p, _ in cells.values()}}
    for m in metrics:
        cell = str(m.get("cell", ""))
        pair, fraction = cells[cell]
        at = m.get("epoch", m.get("step"))
        if fraction != largest[pair] or not isinstance(at, int | float):
            continue
        for term, value in m.items():
            plain = isinstance(value, int | float) and not isinstance(value, bool)
            if term not in NOT_TERMS and plain and math.isfinite(float(str(value))):
                values[term][pair][float(at)][cell].append(float(str(value)))
    # The total first, then in the order in which they were logged; an arm none of whose terms is among the few
    # that are drawn adds its first one.
    order = sorted(values, key=lambda term: term not in ("loss", "total"))
    terms = order[:MOST_TERMS]
    for pair in dict.fromkeys(pair for term in order for pair in values[term]):
        if not any(pair in values[term] for term in terms):
            terms.append(next(term for term in order if pair in values[term]))
    return {term: {pair: _line(points) for pair, points in values[term].items()} for term in terms}


def _line(points: dict[float, dict[str, list[float]]]) -> Points:
    line = []
    for at, seeds in sorted(points.items()):
        means = [sum(found) / len(found) for found in seeds.values()]
        line.append((at, sum(means) / len(means), min(means), max(means)))
    return line


def _pair(cell: str) -> tuple[Pair, float]:
    """The arm, mode and label fraction of a cell: `pretrained/ARM/seed-N` or `cells/ARM/MODE/FRACTION/seed-N`."""
    phase, *parts = cell.split("/")
    if phase == "cells" and len(parts) > 2:
        return (parts[0], parts[1]), float(parts[2])
    return (parts[0] if parts else cell, "none"), 1.0


def _style(pair: Pair, names: Names) -> Style:
    """An arm being pretrained has no mode yet: it is drawn as when it is fine-tuned."""
    arm, mode = pair
    return names.style(arm, "finetune" if mode == "none" and names.about(arm).role == "pretrained" else mode)


def _draw(curves: dict[Pair, Points], names: Names, *, title: str, key: str, alt: str) -> Drawing:
    lines = []
    for pair, line in curves.items():
        x, mean, low, high = ([point[at] for point in line] for at in range(4))
        lines.append(Line(x, mean, _style(pair, names), low, high))
    return curve(lines, Axes("Epoch", "", whole=True), key=key, title=title, alt=alt, height=PANEL * 0.65)
