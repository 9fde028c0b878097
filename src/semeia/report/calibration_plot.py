"""Calibration of the headline arms: the observed share of positives where the model said so much."""

import polars as pl
from markupsafe import Markup

from semeia.report.curves import Curve, calibration
from semeia.report.estimates import Estimate, cohorts_of, find, full_labels
from semeia.report.figures import DataTable, Figure, Palette, Panel, headline_arms
from semeia.report.names import arm_title, cohort_title
from semeia.report.numbers import estimate, number
from semeia.report.roc_plot import pick
from semeia.report.run_folder import Run
from semeia.report.sections import Section
from semeia.report.svg import MUTED, PANEL, drawing, to_svg

Curves = dict[tuple[str, str], Curve]


def calibration_section(run: Run, palette: Palette, *, outcome: str) -> Section | None:
    """The calibration plot, where the run holds predictions."""
    if run.predictions is None:
        return None
    figure = calibration_figure(run.estimates, run.predictions, palette, outcome=outcome)
    return figure and Section("trust", "Calibration", figures=[figure])


def calibration_figure(
    estimates: list[Estimate], predictions: pl.DataFrame, palette: Palette, *, outcome: str
) -> Figure | None:
    """The calibration plot of at most four arms that were trained; None when there are too few rows."""
    levels = full_labels(find(estimates, metric="auroc", outcome=outcome))
    arms = [p for p in headline_arms(levels, palette) if palette.arm(p[0]).role not in ("shortcut", "human")][:4]
    panels, rows = [], []
    for cohort in cohorts_of(levels):
        found = {pair: calibration(pick(predictions, outcome, pair, cohort)) for pair in arms}
        curves = {pair: curve for pair, curve in found.items() if curve is not None}
        if not curves:
            continue
        cells = [[cohort_title(cohort), arm_title(*pair), *point] for pair, c in curves.items() for point in _points(c)]
        words = "; ".join(f"{arm}: said {said}, was {was}" for _, arm, said, was in cells)
        alt = f"Calibration, {cohort_title(cohort)}. {words}"
        panels.append(Panel(cohort_title(cohort), _draw(curves, palette, name=f"calibration{len(panels)}", alt=alt)))
        rows.extend(cells)
    if not panels:
        return None
    lead = (
        "Fifths of the predictions at full labels, all seeds pooled. On the diagonal the model means what "
        "it says; below it, it says too much. Bars are 95\u00a0% Wilson intervals that count patients, not "
        "rows."
    )
    table = DataTable(["Cohort", "Arm", "Mean score", "Observed share (95\u00a0% interval)"], rows)
    return Figure("calibration", "Calibration", lead, panels, table, palette.legend(arms))


def _points(curve: Curve) -> list[list[str]]:
    return [
        [number(float(x), 3), estimate(float(y), float(low), float(high))]
        for x, y, low, high in zip(curve.x, curve.y, curve.low, curve.high, strict=True)
    ]


def _draw(curves: Curves, palette: Palette, *, name: str, alt: str) -> Markup:
    with drawing(PANEL) as figure:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.7, linestyle=(0, (1, 2)))
        for pair, curve in curves.items():
            style = palette.style(*pair)
            axes.vlines(curve.x, curve.low, curve.high, color=style.colour, linewidth=1.2, alpha=0.6)
            axes.plot(curve.x, curve.y, color=style.colour, linestyle=style.line, linewidth=1.2)
            axes.plot(curve.x, curve.y, color=style.colour, marker=style.marker, linestyle="", markersize=5.5)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        axes.set(xlabel="Mean score", ylabel="Observed share of positives")
        return to_svg(figure, name=name, alt=alt)
