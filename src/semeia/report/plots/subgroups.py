"""Draw the forest of subgroups: AUROC of each arm within each level, a panel for each column and cohort."""

import polars as pl

from semeia.report.content import DataTable, Figure, Panel
from semeia.report.estimates import rows_of
from semeia.report.metrics import covariate_heading
from semeia.report.names import Names
from semeia.report.numbers import count, estimate
from semeia.report.plots.forest import ForestRow, forest_limits, forest_panel
from semeia.report.plots.style import GREY, Style

HIDDEN = "not shown"
TOO_FEW = "suppressed: fewer than 10"
MOST_PANELS = 12
PLAIN = Style(GREY)


def subgroup_figure(
    cells: pl.DataFrame, names: Names, arms: list[tuple[str, str]], cohorts: list[str]
) -> Figure | None:
    """Draw AUROC by subgroup.

    Args:
        cells: the table "subgroups".
        names: styles of the arms.
        arms: those that are drawn.
        cohorts: in the order of the page.
    """
    shown = cells.filter(metric="auroc")
    panels: dict[tuple[str, str], list[ForestRow]] = {}
    for column in shown["column"].unique(maintain_order=True):
        for cohort in cohorts:
            rows = _rows(shown.filter(column=column, cohort=cohort), names, arms)
            if any(row.value is not None for row in rows):
                panels[column, cohort] = rows
    if not panels:
        return None
    limits = forest_limits([row for rows in panels.values() for row in rows], None)
    drawn = list(panels.items())[:MOST_PANELS]
    heads = ["Cohort", "By", "Level", "Arm", "AUROC", "Units", "Patients", "Positive"]
    return Figure(
        key="subgroup-auroc",
        title="AUROC by subgroup",
        lead=f"Each arm{names.all_labels}, within each level. Read intervals before points: small groups scatter.",
        panels=[_panel(names, *place, rows, index, limits) for index, (place, rows) in enumerate(drawn)],
        table=DataTable(heads, [_words(names, row) for row in rows_of(shown, arms)]),
    )


def _panel(
    names: Names, column: str, cohort: str, rows: list[ForestRow], index: int, limits: tuple[float, float]
) -> Panel:
    title = f"{covariate_heading(column)}, {names.cohort(cohort)}"
    alt = f"AUROC by {covariate_heading(column)}, {names.cohort(cohort)}."
    return forest_panel(rows, key=f"subgroup-auroc{index}", title=title, alt=alt, axis="AUROC", limits=limits)


def _rows(shown: pl.DataFrame, names: Names, arms: list[tuple[str, str]]) -> list[ForestRow]:
    """A row an arm under its level; one row for a level that is suppressed for every arm."""
    rows: list[ForestRow] = []
    for level in shown["level"].unique(maintain_order=True):
        of_level = rows_of(shown.filter(level=level), arms)
        seen = [row for row in of_level if row["value"] is not None]
        rows += [
            ForestRow(
                name=names.arm(row["arm"], row["mode"]),
                words=estimate(row["value"], row["low"], row["high"]),
                value=row["value"],
                ends=(row["low"], row["high"]),
                style=names.style(row["arm"], row["mode"]),
                group=level,
            )
            for row in seen
        ]
        if of_level and not seen:
            rows.append(ForestRow("every arm", TOO_FEW, None, (None, None), PLAIN, level))
    return rows


def _words(names: Names, row: dict) -> list[str]:
    return [
        names.cohort(row["cohort"]),
        covariate_heading(row["column"]),
        row["level"],
        names.arm(row["arm"], row["mode"]),
        TOO_FEW if row["value"] is None else estimate(row["value"], row["low"], row["high"], digits=3),
        *count_words(row),
    ]


def count_words(row: dict) -> list[str]:
    """Return units, patients and positive units of a cell; those that would give a small count away are not shown."""
    return [HIDDEN if row[name] is None else count(row[name]) for name in ("n", "n_patients", "n_positive")]
