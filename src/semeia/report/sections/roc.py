"""Show ROC curves of the headline arms, one panel a cohort, from the predictions at full labels."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int
from markupsafe import Markup

from semeia.evaluation import patient_draws, roc_curve, roc_points
from semeia.report.content import DataTable, Figure, Panel, Section
from semeia.report.estimates import Estimate, cohorts_of, find, full_labels, pairs_of
from semeia.report.names import Names
from semeia.report.numbers import estimate, percent
from semeia.report.plots.svg import MUTED, PANEL, drawing, to_svg
from semeia.report.run_folder import Run

LIMITS = (2.5, 97.5)  # per cent


@dataclass(frozen=True)
class Curve:
    """Values with their 95 % interval at each x."""

    x: Float[np.ndarray, " points"]
    y: Float[np.ndarray, " points"]
    low: Float[np.ndarray, " points"]
    high: Float[np.ndarray, " points"]


Curves = dict[tuple[str, str], Curve]


def roc_section(run: Run) -> Section | None:
    """Show the ROC curves, where the run holds predictions."""
    names = run.names
    if run.predictions is None:
        return None
    figure = roc_figure(run.estimates, run.predictions, names, outcome=run.outcome)
    return figure and Section("curves", "Sensitivity and specificity", figures=[figure])


def roc_figure(estimates: list[Estimate], predictions: pl.DataFrame, names: Names, *, outcome: str) -> Figure | None:
    """Draw the ROC figure; None when no arm has both classes in any cohort."""
    levels = full_labels(find(estimates, metric="auroc", outcome=outcome))
    arms = names.headlines(pairs_of(levels))
    drawn: dict[str, Curves] = {}
    for cohort in cohorts_of(levels):
        curves = {pair: roc(rows) for pair in arms if len(rows := pick(predictions, outcome, pair, cohort))}
        drawn[cohort] = {pair: curve for pair, curve in curves.items() if curve is not None}
    drawn = {cohort: curves for cohort, curves in drawn.items() if curves}
    if not drawn:
        return None
    panels = []
    for index, (cohort, curves) in enumerate(drawn.items()):
        values = [e for e in levels if e.cohort == cohort and (e.arm, e.mode) in curves]
        words = "; ".join(f"{names.arm(e.arm, e.mode)} {estimate(e.value, e.low, e.high)}" for e in values)
        alt = f"ROC curves, {names.cohort(cohort)}. AUROC: {words}"
        panels.append(Panel(names.cohort(cohort), _draw(curves, names, name=f"roc{index}", alt=alt)))
    lead = (
        f"Sensitivity against false positive rate{names.all_labels}{names.over_seeds}. The shaded band is "
        "the 95\u00a0% interval of the first arm, patients resampled."
    )
    legend = names.legend([pair for pair in arms if any(pair in curves for curves in drawn.values())])
    return Figure("roc", "ROC curves", lead, panels, _table(names, drawn), legend)


def roc(frame: pl.DataFrame, *, draws: int = 200, seed: int = 0) -> Curve | None:
    """Return sensitivity at each false positive rate, averaged over seeds, from (0, 0) to (1, 1).

    Args:
        frame: predictions of one cell in one cohort.
        draws: patient-bootstrap draws for the interval.
        seed: of the draws.

    Returns:
        None when no seed has both classes.
    """
    curve = roc_curve(frame)
    if curve.is_empty():
        return None
    grid = curve["false_positive_rate"].to_numpy()
    weights = _weights(frame, draws=draws, seed=seed)
    seeds, label, score = (frame[name].to_numpy() for name in ("seed", "label", "score"))
    heights = [[] for _ in range(draws)]
    for each in np.unique(seeds):
        rows = np.flatnonzero(seeds == each)
        for draw in range(draws):
            drawn = np.repeat(rows, weights[draw, rows])
            if 0 < label[drawn].sum() < len(drawn):
                false, true = roc_points(label[drawn], score[drawn])
                # Points at one false positive rate stand an instant apart, so that the top of a step is met.
                heights[draw].append(np.interp(grid + 1e-9, false + 1e-12 * np.arange(len(false)), true))
    means = np.stack([np.mean(found, axis=0) for found in heights if found])
    low, high = np.percentile(means, LIMITS, axis=0)
    return Curve(grid, curve["true_positive_rate"].to_numpy(), low, high)


def _weights(frame: pl.DataFrame, *, draws: int, seed: int) -> Int[np.ndarray, "draws rows"]:
    return patient_draws(frame["subject_id"].to_numpy(), frame["label"].to_numpy(), draws=draws, seed=seed)


def pick(predictions: pl.DataFrame, outcome: str, pair: tuple[str, str], cohort: str) -> pl.DataFrame:
    """Return the predictions of one arm and mode in one cohort, at its largest label fraction."""
    rows = predictions.filter(
        pl.col("outcome") == outcome, pl.col("arm") == pair[0], pl.col("mode") == pair[1], pl.col("cohort") == cohort
    )
    return rows.filter(pl.col("fraction") == pl.col("fraction").max())


def _draw(curves: Curves, names: Names, *, name: str, alt: str) -> Markup:
    with drawing(PANEL) as figure:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.7, linestyle=(0, (1, 2)))
        for index, (pair, curve) in enumerate(curves.items()):
            style = names.style(*pair)
            if index == 0:
                axes.fill_between(curve.x, curve.low, curve.high, color=style.colour, alpha=0.13, linewidth=0)
            axes.plot(curve.x, curve.y, color=style.colour, linestyle=style.line, linewidth=1.7)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        axes.set(xlabel="False positive rate (1 \u2212 specificity)", ylabel="Sensitivity")
        return to_svg(figure, name=name, alt=alt)


def _table(names: Names, drawn: dict[str, Curves]) -> DataTable:
    """Sensitivity at a few specificities: the whole curve is in the predictions."""
    marks = (0.05, 0.1, 0.2, 0.3, 0.5)
    rows = []
    for cohort, curves in drawn.items():
        for pair, curve in curves.items():
            at = [int(np.argmin(np.abs(curve.x - mark))) for mark in marks]
            cells = [estimate(float(curve.y[i]), float(curve.low[i]), float(curve.high[i])) for i in at]
            rows.append([names.cohort(cohort), names.arm(*pair), *cells])
    heads = [f"Sensitivity at {percent(1 - mark)} specificity" for mark in marks]
    return DataTable(["Cohort", "Arm", *heads], rows)
