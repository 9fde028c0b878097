"""Show subgroups on the page: does a model do as well for everybody, and was any difference shown.

The tables "subgroups" and "interactions" of a run come in; a section goes out. Cells with fewer than 10 patients,
positives or negatives were suppressed before they came here, and are said to be.
"""

import polars as pl

from semeia.evaluation.tables.interactions import INTERACTION_COLUMNS
from semeia.evaluation.tables.subgroups import SUBGROUP_COLUMNS
from semeia.report.content import DataTable, Section, TitledTable
from semeia.report.estimates import pairs_of, rows_of
from semeia.report.metrics import covariate_heading, covariate_title, metric_title
from semeia.report.names import Names
from semeia.report.numbers import count, estimate, listed, number, p_value
from semeia.report.plots.subgroups import TOO_FEW, count_words, subgroup_figure
from semeia.report.run_folder import Run
from semeia.report.sections.case_mix import cohorts_in

METRICS = ("auroc", "brier", "o_e", "sensitivity", "specificity")
SHOWN = 0.05
HIDDEN_NOTE = (
    "Levels with fewer than 10 patients, positives or negatives are not shown. Where their number would follow from "
    "the total, the number of the next smallest level is not shown either."
)


def subgroup_section(run: Run) -> Section | None:
    """Make the section on subgroups; None when the run has none."""
    names = run.names
    cells = run.table("subgroups", SUBGROUP_COLUMNS)
    tests = run.table("interactions", INTERACTION_COLUMNS)
    if cells.is_empty():
        return None
    estimates = [e for e in run.estimates if e.outcome == run.outcome]
    arms = names.headlines(pairs_of(estimates))
    others = [pair for pair in names.in_order(pairs_of(estimates)) if pair not in arms]
    cohorts = cohorts_in(run, cells, outcome=run.outcome)
    figure = subgroup_figure(cells, names, arms, cohorts)
    tables = [
        _tests_table(names, tests, arms, "Do the levels differ?", folded=False),
        _cells_table(names, cells, arms, "Every measure by subgroup"),
        _tests_table(names, tests, others, "Do the levels differ? The other arms", folded=True),
        _cells_table(names, cells, others, "Every measure by subgroup: the other arms"),
    ]
    return Section(
        key="subgroups",
        heading="Subgroups",
        lead=_lead(names, tests, arms),
        points=[*_different(names, tests, arms), *_hidden(cells)],
        figures=[figure] if figure is not None else [],
        tables=[table for table in tables if table is not None],
    )


def _lead(names: Names, tests: pl.DataFrame, arms: list[tuple[str, str]]) -> str:
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


def _different(names: Names, tests: pl.DataFrame, arms: list[tuple[str, str]]) -> list[str]:
    """The other headline arms whose levels differ."""
    points = []
    for row in rows_of(tests, arms[1:]):
        if row["p_holm"] < SHOWN:
            points.append(
                f"{names.arm(row['arm'], row['mode'])}: the AUROC differs between levels of "
                f"{covariate_title(row['column'])} {names.place(row['cohort'])} "
                f"(p after Holm {p_value(row['p_holm'])})."
            )
    return points


def _hidden(cells: pl.DataFrame) -> list[str]:
    levels = cells.filter(state="suppressed").select("cohort", "column", "level").unique().height
    if not levels:
        return []
    every = cells.select("cohort", "column", "level").unique().height
    return [f"{count(levels)} of {count(every)} groups are too small to be shown. {HIDDEN_NOTE}"]


def _tests_table(
    names: Names, tests: pl.DataFrame, arms: list[tuple[str, str]], title: str, *, folded: bool
) -> TitledTable | None:
    rows = [
        [
            names.arm(row["arm"], row["mode"]),
            names.cohort(row["cohort"]),
            covariate_heading(row["column"]),
            count(row["levels"]),
            f"{number(row['chi_square'], 2)} ({count(row['degrees'])})",
            p_value(row["p"]),
            p_value(row["p_holm"]),
        ]
        for row in rows_of(tests, arms)
    ]
    note = (
        "One test of heterogeneity of the AUROC for each column: chi square (degrees of freedom), on the logit scale, "
        "from patient-bootstrap draws that the levels share. Holm: over the columns of one arm in one cohort."
    )
    heads = ["Arm", "Cohort", "By", "Levels", "Chi square", "p", "p after Holm"]
    return TitledTable(title, "" if folded else note, DataTable(heads, rows), folded=folded) if rows else None


def _cells_table(names: Names, cells: pl.DataFrame, arms: list[tuple[str, str]], title: str) -> TitledTable | None:
    """A row an arm, cohort and level, a column a metric."""
    found: dict[tuple[str, ...], dict[str, dict]] = {}
    for row in rows_of(cells, arms):
        found.setdefault((row["cohort"], row["column"], row["level"], row["arm"], row["mode"]), {})[row["metric"]] = row
    metrics = [metric for metric in METRICS if any(metric in by_metric for by_metric in found.values())]
    rows = []
    for (cohort, column, level, arm, mode), by_metric in found.items():
        start = [names.arm(arm, mode), names.cohort(cohort), covariate_heading(column), level]
        words = [_cell(by_metric.get(metric)) for metric in metrics]
        rows.append([*start, *words, *count_words(next(iter(by_metric.values())))])
    heads = ["Arm", "Cohort", "By", "Level", *(metric_title(m) for m in metrics), "Units", "Patients", "Positive"]
    return TitledTable(title, HIDDEN_NOTE, DataTable(heads, rows), folded=True) if rows else None


def _cell(row: dict | None) -> str:
    if row is None:
        return ""
    return TOO_FEW if row["value"] is None else estimate(row["value"], row["low"], row["high"])
