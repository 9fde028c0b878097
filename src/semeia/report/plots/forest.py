"""Draw a forest: rows of values with their intervals, one under the other on one scale.

Each row carries its name and its number in words above its interval, so that the drawing reads at any width. A row
without a value (a suppressed cell) keeps its place and its words.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from semeia.report.content import Panel
from semeia.report.plots.style import Style
from semeia.report.plots.svg import INK, MUTED, drawing, fitting, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW, HEADING, MARGIN = 31.0, 26.0, 46.0
Ends = tuple[float | None, float | None]


@dataclass(frozen=True)
class ForestRow:
    """One row of a forest.

    Attributes:
        name: what stands above the interval, at the left.
        words: its number in words, at the right.
        value: where the marker is; None draws none.
        ends: of the interval; drawn where there are two.
        style: colour and marker.
        group: rows with the same words stand together under them; empty for no heading.
        wide: ends of a second, thinner interval behind the first (where a new site is expected).
    """

    name: str
    words: str
    value: float | None
    ends: Ends
    style: Style
    group: str = ""
    wide: Ends = (None, None)


def forest_panel(
    rows: list[ForestRow],
    *,
    key: str,
    title: str,
    alt: str,
    axis: str,
    null: float | None = None,
    limits: tuple[float, float] | None = None,
) -> Panel:
    """Draw a panel with these rows.

    Args:
        rows: in this order.
        key: made part of the ids inside the drawing.
        title: heading of the panel.
        alt: what a reader who cannot see it is told before the rows are read out.
        axis: label of the axis.
        null: where there is nothing to see: a line is drawn there (0 for differences), or None.
        limits: of the axis; by default there is room for every row.
    """
    spoken = "; ".join(f"{row.group + ', ' if row.group else ''}{row.name}: {row.words}" for row in rows)
    headings = len({row.group for row in rows if row.group})
    with drawing(MARGIN + ROW * len(rows) + HEADING * headings) as figure:
        _draw(figure.add_subplot(), rows, limits=limits or forest_limits(rows, null), null=null, axis=axis)
        return Panel(title, to_svg(figure, name=key, alt=f"{alt} {spoken}."))


def forest_limits(rows: list[ForestRow], null: float | None) -> tuple[float, float]:
    """Return room for every row; around `null` in the middle, where the words at either side leave it free."""
    ends = [x for row in rows for x in (row.value, *row.ends, *row.wide) if x is not None]
    if null is not None:
        reach = 1.08 * max((abs(x - null) for x in ends), default=0.0) or 1.0
        return null - reach, null + reach
    if not ends:
        return 0.0, 1.0
    pad = 0.05 * (max(ends) - min(ends)) or 0.05
    return min(ends) - pad, max(ends) + pad


def _draw(axes: "Axes", rows: list[ForestRow], *, limits: tuple[float, float], null: float | None, axis: str) -> None:
    y, last = 0.0, ""
    edge = axes.get_yaxis_transform()
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}  # the grid must not run through words
    if null is not None:
        axes.axvline(null, color=INK, linewidth=0.8)
    for row in rows:
        if row.group and row.group != last:
            axes.text(
                0,
                y + HEADING - 8,
                fitting(row.group, 46),
                transform=edge,
                weight="bold",
                va="bottom",
                ha="left",
                bbox=paper,
            )
            y, last = y + HEADING, row.group
        axes.text(0, y + 14, fitting(row.name, 44), transform=edge, va="bottom", ha="left", fontsize=9, bbox=paper)
        axes.text(1, y + 14, row.words, transform=edge, va="bottom", ha="right", fontsize=9, bbox=paper)
        for (low, high), width in ((row.wide, 0.7), (row.ends, 1.8)):
            if low is not None and high is not None:
                axes.plot([low, high], [y + 22] * 2, color=row.style.colour, linewidth=width, solid_capstyle="butt")
        if row.value is not None:
            axes.plot([row.value], [y + 22], color=row.style.colour, marker=row.style.marker, markersize=6)
        y += ROW
    axes.set(xlim=limits, ylim=(y + 2, 0), xlabel=fitting(axis))
    axes.locator_params(axis="x", nbins=5)
    axes.set_yticks([])
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="x", colors=MUTED, labelcolor=INK)
