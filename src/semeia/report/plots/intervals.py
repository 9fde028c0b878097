"""Rows of estimates as a figure: the forest plot, the stratum, the gain over size; a panel a cohort (forest.py)."""

from collections.abc import Callable

from semeia.report.content import DataTable, Figure
from semeia.report.estimates import Estimate, cohorts_of
from semeia.report.metrics import metric_title
from semeia.report.names import Names
from semeia.report.numbers import estimate, percent
from semeia.report.plots.forest import ForestRow, forest_limits, forest_panel

Namer = Callable[[Estimate], str]


def interval_figure(
    rows: list[Estimate],
    names: Names,
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
    """Draw one panel a cohort, all on the same scale; None when there is nothing to draw.

    Args:
        rows: what is drawn, in this order.
        names: styles of the arms.
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
    entries = {
        cohort: [_row(e, names, name, group, null) for e in rows if e.cohort == cohort] for cohort in cohorts_of(rows)
    }
    limits = forest_limits([row for drawn in entries.values() for row in drawn], null)
    panels = [
        forest_panel(
            drawn,
            key=f"{key}{index}",
            title=names.cohort(cohort),
            alt=f"{title}, {names.cohort(cohort)}.",
            axis=axis,
            null=null,
            limits=limits,
        )
        for index, (cohort, drawn) in enumerate(entries.items())
    ]
    return Figure(key, title, lead, panels, estimates_table(names, [*rows, *(more or [])]))


def _row(e: Estimate, names: Names, name: Namer, group: Namer, null: float | None) -> ForestRow:
    words = estimate(e.value, e.low, e.high, digits=2 if null is None else 3, sign=null is not None)
    return ForestRow(name(e), words, e.value, (e.low, e.high), names.style(e.arm, e.mode), group(e))


def estimates_table(names: Names, rows: list[Estimate]) -> DataTable:
    """Tabulate the rows in full, as the table behind a figure; columns that never vary are left out."""
    cells = {
        "Cohort": [names.cohort(e.cohort) for e in rows],
        "Stratum": [names.stratum(e.stratum) for e in rows],
        "Measure": [metric_title(e.metric) for e in rows],
        "Arm": [names.arm(e.arm, e.mode) for e in rows],
        "Minus": [names.reference(e.reference) if e.reference else "" for e in rows],
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
