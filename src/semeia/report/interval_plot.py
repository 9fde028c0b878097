"""Rows of estimates with their intervals, one under the other: the forest plot, the stratum, the gain over
size.

Each row carries its name and its number in words above its interval, so that the drawing reads at any width.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from semeia.report.estimates import Estimate, cohorts_of
from semeia.report.figures import DataTable, Figure, Palette, Panel
from semeia.report.names import arm_title, cohort_title, metric_title, reference_title, stratum_title
from semeia.report.numbers import estimate, percent
from semeia.report.svg import INK, MUTED, drawing, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW, HEADING, MARGIN = 31.0, 26.0, 46.0

Namer = Callable[[Estimate], str]


def interval_figure(
    rows: list[Estimate],
    palette: Palette,
    *,
    key: str,
    title: str,
    lead: str,
    name: Namer,
    group: Namer,
    null: float | None,
    axis: str,
    more: list[Estimate] | None = None,
) -> Figure | None:
    """One panel a cohort, all on the same scale; None when there is nothing to draw.

    Args:
        rows: what is drawn, in this order.
        palette: styles of the arms.
        key: id of the figure in the page.
        title: heading.
        lead: one or two sentences on how to read it.
        name: what stands above each interval.
        group: rows with the same words stand together under them; empty for no heading.
        null: where nothing is gained: a line is drawn there (0 for differences), or None.
        axis: label of the axis.
        more: rows for the table only, after those that are drawn.
    """
    if not rows:
        return None
    limits = _limits(rows, null)
    panels = []
    for index, cohort in enumerate(cohorts_of(rows)):
        shown = [e for e in rows if e.cohort == cohort]
        words = "; ".join(_words(e, group(e), name(e)) for e in shown)
        alt = f"{title}, {cohort_title(cohort)}. {words}"
        entries = [(group(e), name(e), e) for e in shown]
        with drawing(_height(entries)) as figure:
            _draw(figure.add_subplot(), entries, palette, limits=limits, null=null, axis=axis)
            panels.append(Panel(cohort_title(cohort), to_svg(figure, name=f"{key}{index}", alt=alt)))
    return Figure(key, title, lead, panels, estimates_table([*rows, *(more or [])]))


def _limits(rows: list[Estimate], null: float | None) -> tuple[float, float]:
    """Room for every interval; around `null` in the middle, where the words at either side leave it free."""
    ends = [x for e in rows for x in (e.value, e.low, e.high) if x is not None]
    if null is not None:
        reach = 1.08 * max(abs(x - null) for x in ends) or 1.0
        return null - reach, null + reach
    pad = 0.05 * (max(ends) - min(ends)) or 0.05
    return min(ends) - pad, max(ends) + pad


def estimates_table(rows: list[Estimate]) -> DataTable:
    """The rows in full, as the table behind a figure; columns that never vary are left out."""
    cells = {
        "Cohort": [cohort_title(e.cohort) for e in rows],
        "Stratum": [stratum_title(e.stratum) for e in rows],
        "Measure": [metric_title(e.metric) for e in rows],
        "Arm": [arm_title(e.arm, e.mode) for e in rows],
        "Minus": [reference_title(e.reference) if e.reference else "" for e in rows],
        "Labels": [percent(e.fraction) for e in rows],
        "Value (95\u00a0% interval)": [
            estimate(e.value, e.low, e.high, digits=3, sign=bool(e.reference)) for e in rows
        ],
        "Units": [str(e.n) for e in rows],
        "Patients": [str(e.n_patients) for e in rows],
        "Positive": [str(e.n_positive) for e in rows],
    }
    kept = [k for k, column in cells.items() if k in ("Arm", "Cohort") or len(set(column)) > 1 or k.startswith("Value")]
    return DataTable(kept, [list(row) for row in zip(*(cells[k] for k in kept), strict=True)])


def _words(e: Estimate, group: str, name: str) -> str:
    return f"{group + ', ' if group else ''}{name}: {estimate(e.value, e.low, e.high, digits=3)}"


def _height(entries: list[tuple[str, str, Estimate]]) -> float:
    headings = len({group for group, _, _ in entries if group})
    return MARGIN + ROW * len(entries) + HEADING * headings


def _draw(
    axes: "Axes",
    entries: list[tuple[str, str, Estimate]],
    palette: Palette,
    *,
    limits: tuple[float, float],
    null: float | None,
    axis: str,
) -> None:
    y, last = 0.0, ""
    edge = axes.get_yaxis_transform()
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}  # the grid must not run through words
    if null is not None:
        axes.axvline(null, color=INK, linewidth=0.8)
    for group, name, e in entries:
        if group and group != last:
            axes.text(0, y + HEADING - 8, group, transform=edge, weight="bold", va="bottom", ha="left", bbox=paper)
            y, last = y + HEADING, group
        style = palette.style(e.arm, e.mode)
        axes.text(0, y + 14, name, transform=edge, va="bottom", ha="left", fontsize=9, bbox=paper)
        words = estimate(e.value, e.low, e.high, digits=2 if null is None else 3, sign=null is not None)
        axes.text(1, y + 14, words, transform=edge, va="bottom", ha="right", fontsize=9, bbox=paper)
        if e.low is not None and e.high is not None:
            axes.plot([e.low, e.high], [y + 22] * 2, color=style.colour, linewidth=1.8, solid_capstyle="butt")
        axes.plot([e.value], [y + 22], color=style.colour, marker=style.marker, markersize=6)
        y += ROW
    axes.set(xlim=limits, ylim=(y + 2, 0), xlabel=axis)
    axes.locator_params(axis="x", nbins=5)
    axes.set_yticks([])
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="x", colors=MUTED, labelcolor=INK)
