"""Draw a map of differences: a cell a pair of settings, its colour the sign and size, its number in words.

Where the interval holds 0 the cell is hatched and its number grey: the band in which nothing is shown. A line is drawn
where the differences, interpolated between cells, are 0.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from semeia.report.content import Panel
from semeia.report.numbers import number
from semeia.report.plots.svg import INK, MUTED, PANEL, drawing, fitting, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW, MARGIN = 42.0, 66.0


@dataclass(frozen=True)
class MapCell:
    """One difference with its interval."""

    value: float
    low: float
    high: float

    @property
    def shown(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0


def heat_map_panel(
    cells: list[list[MapCell]], *, key: str, title: str, rows: list[str], columns: list[str], axes: tuple[str, str]
) -> Panel:
    """Draw a panel of rows (top to bottom) and columns of cells.

    Args:
        cells: [row][column].
        key: made part of the ids inside the drawing.
        title: heading of the panel.
        rows: what each row is.
        columns: what each column is.
        axes: what the rows and what the columns are.
    """
    spoken = "; ".join(
        f"{axes[0]} {row}, {axes[1]} {column}: {number(cell.value, 3, sign=True)}{'' if cell.shown else ' (not shown)'}"
        for row, line in zip(rows, cells, strict=True)
        for column, cell in zip(columns, line, strict=True)
    )
    with drawing(MARGIN + ROW * len(rows), width=PANEL) as figure:
        _draw(figure.add_subplot(), cells, rows=rows, columns=columns, axes=axes)
        return Panel(title, to_svg(figure, name=key, alt=f"{title}. {spoken}."))


def _draw(
    drawn: "Axes", cells: list[list[MapCell]], *, rows: list[str], columns: list[str], axes: tuple[str, str]
) -> None:
    from matplotlib.patches import Rectangle

    values = np.array([[cell.value for cell in line] for line in cells])
    reach = max(float(np.abs(values).max()), 0.02)
    drawn.imshow(values, cmap="PuOr_r", vmin=-1.6 * reach, vmax=1.6 * reach, aspect="auto")
    for at, line in enumerate(cells):
        for across, cell in enumerate(line):
            if not cell.shown:
                corner = (across - 0.5, at - 0.5)
                drawn.add_patch(Rectangle(corner, 1, 1, fill=False, hatch="////", edgecolor="#b9bfc4", linewidth=0))
            paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.85}
            words = number(cell.value, 3, sign=True)
            colour = INK if cell.shown else MUTED
            drawn.text(across, at, words, ha="center", va="center", fontsize=10, color=colour, bbox=paper)
    if min(values.shape) > 1 and values.min() < 0 < values.max():
        drawn.contour(values, levels=[0.0], colors=INK, linewidths=1.4)
    drawn.set_xticks(range(len(columns)), [fitting(column, 16) for column in columns])
    drawn.set_yticks(range(len(rows)), [fitting(row, 16) for row in rows])
    drawn.set(xlabel=fitting(axes[1]), ylabel=fitting(axes[0], 30))
    drawn.grid(visible=False)
