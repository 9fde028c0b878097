"""Draw decision curves: net benefit against the threshold, and what an arm gains over treating all or nobody.

The table "decision_curves" comes in (evaluation/tables/decision_curves.py); figures go out, a panel a cohort, or an
arm and cohort.
"""

import numpy as np
import polars as pl
from jaxtyping import Bool
from markupsafe import Markup

from semeia.report.content import DataTable, Figure, Panel
from semeia.report.names import Names
from semeia.report.numbers import estimate, listed, percent
from semeia.report.plots.style import LegendItem, Style
from semeia.report.plots.svg import INK, MUTED, PANEL, drawing, to_svg

Arms = list[tuple[str, str]]

# Thresholds in the tables and in the words for a reader who cannot see the curves.
MARKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
TREAT_ALL, TREAT_NONE = Style(MUTED, "dashed", ""), Style(INK, "solid", "")
GAIN_HEIGHT = 220
# Above it one case found is worth less than a ninth of a needless treatment, and a handful of rows makes the curve.
DRAWN_TO = 0.9


def curve_of(
    table: pl.DataFrame, pair: tuple[str, str], cohort: str, *, strategy: str = "model", reference: str = ""
) -> pl.DataFrame:
    """Return threshold, net benefit (or a difference) and interval of one strategy in one cohort."""
    rows = table.filter(arm=pair[0], mode=pair[1], cohort=cohort, strategy=strategy, reference=reference)
    return rows.select("threshold", "net_benefit", "low", "high").sort("threshold")


def at_marks(curve: pl.DataFrame) -> list[str]:
    """Return the net benefit with its interval at each of MARKS; empty where there is none."""
    found = {round(row["threshold"], 6): row for row in curve.iter_rows(named=True)}
    return [
        estimate(row["net_benefit"], row["low"], row["high"], digits=3) if (row := found.get(mark)) else ""
        for mark in MARKS
    ]


def beats_both(table: pl.DataFrame, pair: tuple[str, str], cohort: str) -> list[tuple[float, float]]:
    """Ranges of thresholds in which the intervals of net benefit and of its gain over treating all lie above zero."""
    own, over_all = curve_of(table, pair, cohort), curve_of(table, pair, cohort, reference="treat_all")
    both = own.join(over_all, on="threshold", suffix="_all").sort("threshold")
    return ranges(both["threshold"].to_list(), ((both["low"] > 0) & (both["low_all"] > 0)).fill_null(False).to_numpy())


def ranges(thresholds: list[float], holds: Bool[np.ndarray, " thresholds"]) -> list[tuple[float, float]]:
    """Return first and last threshold of every run in which something holds."""
    found: list[tuple[float, float]] = []
    for at, threshold in enumerate(thresholds):
        if holds[at] and at and holds[at - 1]:
            found[-1] = (found[-1][0], threshold)
        elif holds[at]:
            found.append((threshold, threshold))
    return found


def range_words(found: list[tuple[float, float]], *, most: int = 2) -> str:
    """Return the widest ranges as words: "from 5 % to 60 %, and at scattered others"."""
    wide = sorted(sorted(found, key=lambda ends: ends[0] - ends[1])[:most])
    words = [f"at {percent(round(low, 4))}" if low == high else _from(low, high) for low, high in wide]
    return listed(words) + (", and at scattered others" if len(found) > most else "")


def _from(low: float, high: float) -> str:
    return f"from {percent(round(low, 4))} to {percent(round(high, 4))}"


def decision_figure(table: pl.DataFrame, names: Names, *, arms: Arms, cohorts: list[str]) -> Figure | None:
    """Draw net benefit of the arms, of treating all and of treating nobody, a panel a cohort."""
    panels, rows = [], []
    for cohort in cohorts:
        curves = {pair: curve_of(table, pair, cohort) for pair in arms}
        curves = {pair: curve for pair, curve in curves.items() if not curve.is_empty()}
        everybody = curve_of(table, ("", ""), cohort, strategy="treat_all")
        if not curves or everybody.is_empty():
            continue
        cells = [[names.cohort(cohort), names.arm(*pair), *at_marks(curve)] for pair, curve in curves.items()]
        cells.append([names.cohort(cohort), "Treat all", *at_marks(everybody)])
        name = f"decision{len(panels)}"
        alt = f"Decision curves, {names.cohort(cohort)}. Net benefit: {_said(cells)}"
        panels.append(Panel(names.cohort(cohort), _draw(curves, everybody, names, name=name, alt=alt)))
        rows += cells
    if not panels:
        return None
    lead = (
        f"Net benefit{names.all_labels}: cases found per unit, less what needless treatments cost at that threshold. "
        "The higher the better; an arm is of use where it lies above both treating all and treating nobody (zero). "
        "The band is the pointwise 95\u00a0% interval of the first arm, patients resampled."
    )
    legend = [*names.legend(arms), LegendItem("Treat all", TREAT_ALL), LegendItem("Treat nobody", TREAT_NONE)]
    heads = ["Cohort", "Who is treated", *(f"Threshold {percent(mark)}" for mark in MARKS)]
    return Figure("decision-curves", "Decision curves", lead, panels, DataTable(heads, rows), legend)


def gain_over_defaults_figure(table: pl.DataFrame, names: Names, *, arms: Arms, cohorts: list[str]) -> Figure | None:
    """Draw what each arm gains over the better of treating all and nobody, with its band, a panel an arm and cohort."""
    panels, rows = [], []
    for pair in arms:
        for cohort in cohorts:
            gain = _gain(table, pair, cohort)
            if gain.is_empty():
                continue
            title = f"{names.cohort(cohort)}: {names.arm(*pair)}"
            cells = [names.cohort(cohort), names.arm(*pair), *at_marks(gain)]
            alt = f"Net benefit gained over the better default. {title}. {_said([cells])}"
            style, name = names.style(*pair), f"decision-gain{len(panels)}"
            panels.append(Panel(title, _draw_gain(gain, style, name=name, alt=alt)))
            rows.append(cells)
    if not panels:
        return None
    lead = (
        "Net benefit of the arm minus that of the better default at each threshold: treating all up to the prevalence, "
        "nobody above it. Where the band lies above zero, acting on the scores is better than both."
    )
    heads = ["Cohort", "Arm", *(f"Threshold {percent(mark)}" for mark in MARKS)]
    return Figure("decision-gain", "Gain over treating all or nobody", lead, panels, DataTable(heads, rows))


def _gain(table: pl.DataFrame, pair: tuple[str, str], cohort: str) -> pl.DataFrame:
    """The smaller of the two gains at each threshold, with its interval."""
    own, over_all = curve_of(table, pair, cohort), curve_of(table, pair, cohort, reference="treat_all")
    both = own.join(over_all, on="threshold", suffix="_all")
    least = pl.col("net_benefit_all") < pl.col("net_benefit")
    columns = [
        pl.when(least).then(pl.col(f"{name}_all")).otherwise(pl.col(name)).alias(name)
        for name in ("net_benefit", "low", "high")
    ]
    return both.select("threshold", *columns).sort("threshold")


def _said(cells: list[list[str]]) -> str:
    marked = [
        f"{row[1]} "
        + ", ".join(f"at {percent(mark)} {cell}" for mark, cell in zip(MARKS, row[2:], strict=True) if cell)
        for row in cells
    ]
    return "; ".join(marked)


def _drawn(curve: pl.DataFrame) -> pl.DataFrame:
    return curve.filter(pl.col("threshold") <= DRAWN_TO)


def _draw(
    curves: dict[tuple[str, str], pl.DataFrame], everybody: pl.DataFrame, names: Names, *, name: str, alt: str
) -> Markup:
    top = max(float(curve["net_benefit"].to_numpy().max()) for curve in [*curves.values(), everybody])
    everybody = _drawn(everybody)
    with drawing(PANEL) as figure:
        axes = figure.add_subplot()
        axes.axhline(0, color=TREAT_NONE.colour, linewidth=1.1)
        axes.plot(
            everybody["threshold"], everybody["net_benefit"], color=TREAT_ALL.colour, linestyle="dashed", linewidth=1.1
        )
        for index, (pair, curve) in enumerate(curves.items()):
            style, curve = names.style(*pair), _drawn(curve)
            x, y = curve["threshold"].to_numpy(), curve["net_benefit"].to_numpy()
            if index == 0:
                low, high = curve["low"].to_numpy(), curve["high"].to_numpy()
                axes.fill_between(x, low, high, color=style.colour, alpha=0.14, linewidth=0)
            axes.plot(x, y, color=style.colour, linestyle=style.line, linewidth=1.6)
            shown = np.arange(5 + 3 * index, len(x), 20)
            axes.plot(x[shown], y[shown], color=style.colour, marker=style.marker, linestyle="", markersize=4.5)
        # what lies far below zero is of no use to anyone, and would flatten the rest.
        axes.set(xlim=(0, DRAWN_TO), ylim=(-0.15 * top, 1.08 * top), xlabel="Threshold", ylabel="Net benefit")
        return to_svg(figure, name=name, alt=alt)


def _draw_gain(gain: pl.DataFrame, style: Style, *, name: str, alt: str) -> Markup:
    gain = _drawn(gain)
    x, y, low, high = (gain[column].to_numpy() for column in ("threshold", "net_benefit", "low", "high"))
    top = max(float(high.max()), 0.01)
    with drawing(GAIN_HEIGHT) as figure:
        axes = figure.add_subplot()
        axes.axhline(0, color=INK, linewidth=0.9)
        axes.fill_between(x, low, high, color=style.colour, alpha=0.16, linewidth=0)
        for edge in (low, high):
            axes.plot(x, edge, color=style.colour, linewidth=0.6, linestyle=(0, (3, 2)))
        axes.plot(x, y, color=style.colour, linestyle=style.line, linewidth=2)
        axes.set(xlim=(0, DRAWN_TO), ylim=(-0.5 * top, 1.08 * top), xlabel="Threshold", ylabel="Net benefit gained")
        return to_svg(figure, name=name, alt=alt)
