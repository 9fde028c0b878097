"""Show subgroups: does a model do as well for everybody, and was any difference shown; small cells come suppressed."""

import polars as pl

from semeia.report.content import Figure, Section
from semeia.report.estimates import rows_of
from semeia.report.metrics import covariate_heading, covariate_title
from semeia.report.names import Names, Pair
from semeia.report.numbers import count, listed, p_value
from semeia.report.plots.forest import Forest, ForestRow, forest_limits, row_of_table
from semeia.report.plots.style import GREY, Style
from semeia.report.run_folder import Run

SHOWN = 0.05
TOO_FEW = "suppressed: fewer than 10"
MOST_PANELS = 8
MOST_ARMS = 2
HIDDEN_NOTE = (
    "Levels with fewer than 10 patients, positives or negatives are not shown. Where their number would follow from "
    "the total, the number of the next smallest level is not shown either."
)


def subgroup_section(run: Run) -> Section | None:
    """Make the section on subgroups; None when the run has none."""
    names = run.names
    cells, tests, arms = run.table("subgroups"), run.table("interactions"), run.arms
    if cells.is_empty():
        return None
    figure = _figure(cells, names, arms[:MOST_ARMS], run.cohorts_in(cells))
    return Section(
        key="subgroups",
        heading="Subgroups",
        lead=_lead(names, tests, arms),
        points=[*_different(names, tests, arms), *_hidden(cells)],
        figures=[figure] if figure else [],
        files=run.files("subgroups", "interactions"),
    )


def _figure(cells: pl.DataFrame, names: Names, arms: list[Pair], cohorts: list[str]) -> Figure | None:
    """AUROC of a few arms within each level, a panel for each column and cohort."""
    shown = cells.filter(metric="auroc")
    panels: dict[str, list[ForestRow]] = {}
    for column in shown["column"].unique(maintain_order=True):
        for cohort in cohorts:
            rows = _rows(shown.filter(column=column, cohort=cohort), names, arms)
            if any(row.value is not None for row in rows):
                panels[f"{covariate_heading(column)}, {names.cohort(cohort)}"] = rows
    limits = forest_limits([row for rows in panels.values() for row in rows], None)
    drawn = [Forest(title, rows, "AUROC", None, limits) for title, rows in list(panels.items())[:MOST_PANELS]]
    lead = f"Each arm{names.all_labels}, within each level. Read intervals before points: small groups scatter."
    return Figure("subgroup-auroc", "AUROC by subgroup", lead, [*drawn]) if drawn else None


def _rows(shown: pl.DataFrame, names: Names, arms: list[Pair]) -> list[ForestRow]:
    """A row an arm under its level; one row for a level that is suppressed for every arm."""
    rows: list[ForestRow] = []
    for level in shown["level"].unique(maintain_order=True):
        of_level = rows_of(shown.filter(level=level), arms)
        seen = [row for row in of_level if row["value"] is not None]
        rows += [row_of_table(row, names, group=level) for row in seen]
        if of_level and not seen:
            rows.append(ForestRow("every arm", TOO_FEW, None, (None, None), Style(GREY), level))
    return rows


def _lead(names: Names, tests: pl.DataFrame, arms: list[Pair]) -> str:
    mine = rows_of(tests, arms[:1])
    if not mine:
        return "There are too few patients in the subgroups to test whether the AUROC differs between them."
    arm = names.arm(*arms[0])
    found = [row for row in mine if row["p_holm"] < SHOWN]
    if found:
        named = [f"{covariate_title(row['column'])} ({names.place(row['cohort'])})" for row in found]
        return f"The AUROC of {arm} differs between levels of {listed(named)}."
    smallest = min(row["p_holm"] for row in mine)
    columns = listed(list(dict.fromkeys(covariate_title(row["column"]) for row in mine)))
    return (
        f"The AUROC of {arm} was not shown to differ between levels of {columns} (smallest p after Holm's correction "
        f"{p_value(smallest)}); small groups show large differences only."
    )


def _different(names: Names, tests: pl.DataFrame, arms: list[Pair]) -> list[str]:
    """The other headline arms whose levels differ."""
    return [
        f"{names.arm(row['arm'], row['mode'])}: the AUROC differs between levels of {covariate_title(row['column'])} "
        f"{names.place(row['cohort'])} (p after Holm {p_value(row['p_holm'])})."
        for row in rows_of(tests, arms[1:])
        if row["p_holm"] < SHOWN
    ]


def _hidden(cells: pl.DataFrame) -> list[str]:
    levels = cells.filter(state="suppressed").select("cohort", "column", "level").unique().height
    if not levels:
        return []
    every = cells.select("cohort", "column", "level").unique().height
    return [f"{count(levels)} of {count(every)} groups are too small to be shown. {HIDDEN_NOTE}"]
