"""Draw the smooth calibration curve of an arm in a cohort, its band, and where its scores lie.

The table "calibration_curves" comes in (evaluation/tables/calibration_tables.py), and the predictions where the run has
them; a figure goes out, a panel an arm and cohort.
"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from markupsafe import Markup

from semeia.report.content import DataTable, Figure, Panel
from semeia.report.names import Names
from semeia.report.numbers import estimate, number
from semeia.report.plots.style import Style
from semeia.report.plots.svg import INK, MUTED, drawing, to_svg
from semeia.report.sections.roc import pick

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Of the grid: every point in the table, fewer in the words for a reader who cannot see the curve.
IN_TABLE, IN_WORDS = 5, 10
BINS = np.linspace(0, 1, 51)
HEIGHT = 340


def calibration_figure(
    curves: pl.DataFrame,
    predictions: pl.DataFrame | None,
    names: Names,
    *,
    arms: list[tuple[str, str]],
    cohorts: list[str],
    outcome: str,
) -> Figure | None:
    """Draw the curves of these arms, cohorts side by side; None when there is no curve."""
    panels, rows, drawn = [], [], []
    for arm, mode in arms:
        for cohort in cohorts:
            curve = curves.filter(arm=arm, mode=mode, cohort=cohort).sort("predicted")
            if curve.height < 2:
                continue
            title = f"{names.cohort(cohort)}: {names.arm(arm, mode)}"
            scores = None if predictions is None else pick(predictions, outcome, (arm, mode), cohort)
            name = f"calibration{len(panels)}"
            panels.append(Panel(title, _draw(curve, scores, names.style(arm, mode), name=name, alt=_alt(title, curve))))
            rows += [[names.cohort(cohort), names.arm(arm, mode), *point] for point in _points(curve, IN_TABLE)]
            drawn.append((arm, mode))
    if not panels:
        return None
    lead = (
        "The share that was positive against the predicted probability, as a smooth curve over the central "
        "95\u00a0% of the scores. On the dotted diagonal an arm means what it says; below it, it says too much. The "
        "band is pointwise 95\u00a0%, patients resampled. Below each curve stand the scores: positives upwards, "
        "negatives downwards."
    )
    table = DataTable(["Cohort", "Arm", "Predicted", "Observed share (95\u00a0% interval)"], rows)
    legend = names.legend(list(dict.fromkeys(drawn)))
    return Figure("calibration", "Calibration curves", lead, panels, table, legend)


def _points(curve: pl.DataFrame, every: int) -> list[list[str]]:
    return [
        [number(row["predicted"], 2), estimate(row["observed"], row["low"], row["high"])]
        for row in curve.gather_every(every).iter_rows(named=True)
    ]


def _alt(title: str, curve: pl.DataFrame) -> str:
    words = "; ".join(f"predicted {said}, observed {true}" for said, true in _points(curve, IN_WORDS))
    return f"Calibration curve. {title}. {words}"


def _draw(curve: pl.DataFrame, scores: pl.DataFrame | None, style: Style, *, name: str, alt: str) -> Markup:
    x, y, low, high = (curve[column].to_numpy() for column in ("predicted", "observed", "low", "high"))
    with drawing(HEIGHT) as figure:
        grid = figure.add_gridspec(2, 1, height_ratios=(6, 1)) if scores is not None else figure.add_gridspec(1, 1)
        axes = figure.add_subplot(grid[0])
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.9, linestyle=(0, (1, 2)))
        axes.fill_between(x, low, high, color=style.colour, alpha=0.16, linewidth=0)
        # on paper without colour the band is known by its edges.
        for edge in (low, high):
            axes.plot(x, edge, color=style.colour, linewidth=0.6, linestyle=(0, (3, 2)))
        axes.plot(x, y, color=style.colour, linestyle=style.line, linewidth=2)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), ylabel="Observed share")
        if scores is None:
            axes.set_xlabel("Predicted probability")
        else:
            axes.tick_params(labelbottom=False)
            _spikes(figure.add_subplot(grid[1]), scores)
        return to_svg(figure, name=name, alt=alt)


def _spikes(axes: "Axes", scores: pl.DataFrame) -> None:
    """Spikes at the scores, positives up and negatives down, on one scale."""
    score, label = scores["score"].to_numpy(), scores["label"].to_numpy()
    middles = (BINS[1:] + BINS[:-1]) / 2
    up, down = (np.histogram(score[label == value], bins=BINS)[0] for value in (1, 0))
    axes.vlines(middles, 0, up, color=INK, linewidth=2.2)
    axes.vlines(middles, -down, 0, color=MUTED, linewidth=2.2)
    axes.axhline(0, color=MUTED, linewidth=0.6)
    most = max(1, up.max(), down.max())
    axes.set(xlim=(-0.01, 1.01), ylim=(-1.05 * most, 1.05 * most), xlabel="Predicted probability")
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
