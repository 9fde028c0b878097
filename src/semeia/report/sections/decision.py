"""Show usefulness on the page: at which thresholds acting on an arm's scores is better than treating all or nobody."""

import polars as pl

from semeia.report.content import DataTable, Figure, Section
from semeia.report.estimates import held_by
from semeia.report.names import Names, Pair
from semeia.report.numbers import estimate, listed, percent, sentence
from semeia.report.plots.curve import PANEL, Axes, Drawing, Line, curve
from semeia.report.plots.style import INK, MUTED, LegendItem, Style
from semeia.report.run_folder import Run

MOST_DRAWN = 4
# Thresholds in the tables and in the words for a reader who cannot see the curves.
MARKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
TREAT_ALL, TREAT_NONE = Style(MUTED, "dashed", ""), Style(INK, "solid", "")
# Above it one case found is worth less than a ninth of a needless treatment, and a handful of rows makes the curve.
DRAWN_TO = 0.9
MEANING = (
    "A threshold of 20\u00a0% says that one case found is worth four needless treatments. Which thresholds matter is "
    "for those who treat to say; intervals are pointwise, not for a whole range at once."
)
LEAD = (
    "Net benefit: cases found per unit, less what needless treatments cost at that threshold. Look where a line lies "
    "above both treating all and treating nobody (zero). The band is the 95\u00a0% interval of the first arm."
)


def decision_section(run: Run) -> Section | None:
    """Make the section on usefulness; None when the run has no decision curves."""
    names, table, arms, cohorts = run.names, run.table("decision_curves"), run.arms, run.cohorts
    if table.is_empty() or not arms:
        return None
    figure = _figure(table, names, held_by(table, arms)[:MOST_DRAWN], cohorts)
    return Section(
        key="usefulness",
        heading="Usefulness",
        lead=" ".join(useful_at(names, table, arms[0], cohort) for cohort in cohorts),
        points=[MEANING],
        figures=[figure] if figure else [],
        files=run.files("decision_curves"),
    )


def curve_of(
    table: pl.DataFrame, pair: Pair, cohort: str, *, strategy: str = "model", reference: str = ""
) -> pl.DataFrame:
    """Return threshold, net benefit (or a difference) and interval of one strategy in one cohort."""
    rows = table.filter(arm=pair[0], mode=pair[1], cohort=cohort, strategy=strategy, reference=reference)
    return rows.select("threshold", "net_benefit", "low", "high").sort("threshold")


def useful_at(names: Names, table: pl.DataFrame, pair: Pair, cohort: str) -> str:
    """Say at which thresholds the intervals of net benefit and of its gain over treating all lie above zero."""
    own, over_all = curve_of(table, pair, cohort), curve_of(table, pair, cohort, reference="treat_all")
    both = own.join(over_all, on="threshold", suffix="_all").sort("threshold")
    found = ranges(both, (pl.col("low") > 0) & (pl.col("low_all") > 0))
    better = "better than treating all or nobody"
    words = f"is {better} at thresholds {range_words(found)}" if found else f"was not shown to be {better}"
    return f"{sentence(names.place(cohort))}, acting on {names.arm(*pair)} {words}."


def ranges(curve: pl.DataFrame, holds: pl.Expr) -> list[tuple[float, float]]:
    """Return first and last threshold of every run in which something holds."""
    found: list[tuple[float, float]] = []
    before = False
    for threshold, held in curve.select("threshold", holds.fill_null(False)).iter_rows():
        if held:
            found = [*found[:-1], (found[-1][0], threshold)] if before else [*found, (threshold, threshold)]
        before = held
    return found


def range_words(found: list[tuple[float, float]], *, most: int = 2) -> str:
    """Return the widest ranges as words: "from 5 % to 60 %, and at scattered others"."""
    wide = sorted(sorted(found, key=lambda ends: ends[0] - ends[1])[:most])
    said = [[percent(round(end, 4)) for end in ends] for ends in wide]
    words = [f"at {low}" if low == high else f"from {low} to {high}" for low, high in said]
    return listed(words) + (", and at scattered others" if len(found) > most else "")


def _figure(table: pl.DataFrame, names: Names, arms: list[Pair], cohorts: list[str]) -> Figure | None:
    """Net benefit of the arms, of treating all and of treating nobody, a panel a cohort."""
    panels, rows = [], []
    for cohort in cohorts:
        curves = {pair: found for pair in arms if not (found := curve_of(table, pair, cohort)).is_empty()}
        everybody = curve_of(table, ("", ""), cohort, strategy="treat_all")
        if curves and not everybody.is_empty():
            cells = [[names.cohort(cohort), names.arm(*pair), *_at_marks(found)] for pair, found in curves.items()]
            cells.append([names.cohort(cohort), "Treat all", *_at_marks(everybody)])
            lines = [_line(everybody, TREAT_ALL, width=1.1)]
            first = next(iter(curves))
            lines += [_line(found, names.style(*pair), band=pair == first) for pair, found in curves.items()]
            panels.append(_draw(lines, names.cohort(cohort), f"decision{len(panels)}", cells))
            rows += cells
    legend = [*names.legend(arms), LegendItem("Treat all", TREAT_ALL), LegendItem("Treat nobody", TREAT_NONE)]
    heads = ["Cohort", "Who is treated", *(f"Threshold {percent(mark)}" for mark in MARKS)]
    numbers = DataTable(heads, rows)
    return Figure("decision-curves", "Decision curves", LEAD, panels, numbers, legend) if panels else None


def _at_marks(curve: pl.DataFrame) -> list[str]:
    """The net benefit with its interval at each of MARKS; empty where there is none."""
    found = {round(row["threshold"], 6): row for row in curve.iter_rows(named=True)}
    rows = [found.get(mark) for mark in MARKS]
    return [estimate(row["net_benefit"], row["low"], row["high"], digits=3) if row else "" for row in rows]


def _draw(lines: list[Line], title: str, key: str, cells: list[list[str]]) -> Drawing:
    top = max(max(line.y) for line in lines)
    # what lies far below zero is of no use to anyone, and would flatten the rest.
    axes = Axes("Threshold", "Net benefit", (0, DRAWN_TO), (-0.15 * top, 1.08 * top), level=0.0)
    said = [
        f"{arm} {', '.join(f'at {percent(m)} {v}' for m, v in zip(MARKS, at, strict=True) if v)}"
        for _, arm, *at in cells
    ]
    alt = f"Decision curves, {title}. Net benefit: {'; '.join(said)}"
    return curve(lines, axes, key=key, title=title, alt=alt, height=PANEL * 0.8)


def _line(found: pl.DataFrame, style: Style, *, band: bool = False, width: float = 1.6) -> Line:
    drawn = found.filter(pl.col("threshold") <= DRAWN_TO)
    x, y, low, high = (drawn[name].to_list() for name in drawn.columns)
    return Line(x, y, style, low if band else (), high if band else (), width=width)
