"""Lay runs side by side on one page: what differs in settings, in data and in results.

A difference is given only where both runs tested the same patients: intervals that overlap, or do not, are no test.
"""

from pathlib import Path

from semeia.archive.atomic import write_text
from semeia.errors import InputError
from semeia.evaluation.cells import Cell
from semeia.evaluation.tables.paired_tables import Paired, paired
from semeia.report.asked import headline
from semeia.report.compare.run_differences import ABSENT, NamedRun, about_table, same_patients, settings_of, warnings_of
from semeia.report.content import DataTable, Figure, Section, TitledTable
from semeia.report.estimates import Estimate, by_cohort
from semeia.report.html import Page, to_html
from semeia.report.metrics import metric_title
from semeia.report.numbers import count, estimate, listed, percent
from semeia.report.page import remarks, write_report
from semeia.report.plots.forest import Forest, ForestRow, forest_limits
from semeia.report.run_folder import Run, read_run

MOST_ROWS = 24
MAIN = ("auroc", "macro_auroc", "quadratic_kappa", "c_index")  # what is shown first where there are more rows
PAIRED = (
    "AUROC of the run less that of the first, on the same patients; DeLong\u2019s interval, clustered by patient, not "
    "corrected for the number of comparisons."
)


def report(runs: tuple[Path, ...], *, compare: Path | None = None) -> Path:
    """Write the report of a run again, or lay several runs side by side.

    Args:
        runs: run folders, or folders of an evaluation; one, or with --compare two or more.
        compare: page to write (.html) on which the runs stand side by side.

    Returns:
        The path of the page.

    Raises:
        InputError: a run cannot be read, or one run is given to be compared, or several without a page.
    """
    if compare is not None:
        return compare_runs(runs, out=compare)
    if len(runs) > 1:
        raise InputError(f"{len(runs)} runs: name the page that lays them side by side with --compare OUT.html.")
    if not runs:
        raise InputError("name a run.")
    return write_report(runs[0])


def compare_runs(runs: tuple[Path, ...], *, out: Path) -> Path:
    """Write one page (.html) on which two runs or more stand side by side; differences are from the first of them."""
    if len(runs) < 2:
        raise InputError("--compare needs two runs or more.")
    if out.suffix != ".html":
        raise InputError(f"{out}: a page ends in .html; name one, such as comparison.html.")
    named = [NamedRun(name, read_run(path)) for name, path in zip(_names(runs), runs, strict=True)]
    write_text(out, render(named))
    return out


def render(runs: list[NamedRun]) -> str:
    """Return the page as HTML text."""
    about = Section("about", "Data and software", tables=[TitledTable("Each run", "", about_table(runs))])
    found = warnings_of(runs)
    lead = f"To be weighed first: {count(len(found))}." if found else "Nothing that is known speaks against it."
    comparable = Section("comparable", "Can they be compared?", lead=lead, points=found)
    made = [comparable, _results(runs), _settings(runs), about]
    title = f"{len(runs)} runs side by side"
    return to_html(Page(title, made, remark=_remark(runs)))


def _remark(runs: list[NamedRun]) -> str:
    """The names of the runs, and what holds for everything in one of them, or in all."""
    of: dict[str, list[str]] = {}
    for named in runs:
        for words in remarks(named.run):
            of.setdefault(words, []).append(named.name)
    said = [words if len(names) == len(runs) else f"{listed(names)}: {words}" for words, names in of.items()]
    return ". ".join([", ".join(named.name for named in runs), *said])


def _names(runs: tuple[Path, ...]) -> list[str]:
    """The folders' names; with the folder above where two are alike."""
    short = [path.resolve().name for path in runs]
    long = [f"{path.resolve().parent.name}/{path.resolve().name}" for path in runs]
    titles = [a if short.count(a) == 1 else b for a, b in zip(short, long, strict=True)]
    return [name if titles.count(name) == 1 else f"{name} ({at})" for at, name in enumerate(titles, start=1)]


def _results(runs: list[NamedRun]) -> Section:
    """The models that all runs hold, each against the first run's; else the model that each run's report is about."""
    cells = [_cells(named.run) for named in runs]
    matched = [[cell] * len(runs) for cell in cells[0] if all(cell in found for found in cells)]
    shared = len(matched)
    if not matched:
        one = [cell for named in runs if (cell := _headline_cell(named.run)) is not None]
        matched = [one] if len(one) == len(runs) else []
    found = [(cell, name, p) for row in matched for cell in row[:1] for name, p in _differences(runs, row)]
    given, why = [item for item in found if not item[2].why], dict[str, list[str]]()
    for _, name, one in found:
        if one.why and name not in why.setdefault(one.why, []):
            why[one.why].append(name)
    figures = [_difference_figure(runs, given)] if given else []
    every = [(metric, [*_named(runs[0], row[0]), *v]) for row in matched for metric, v in _value_rows(runs, row)]
    labels = ["Labels"] if runs[0].run.names.several_fractions else []
    columns = ["Model", *labels, "Cohort", "Measure", *(named.name for named in runs)]
    lead = (
        f"{count(shared)} models are in all runs, by arm, way of training and share of the labels."
        if shared
        else "No model is in all runs: the model that the report of each is about is laid beside the others."
    )
    few = len(every) <= MOST_ROWS
    shown = [row for metric, row in every if few or metric in MAIN]
    measures = [TitledTable("Measures with their intervals", "", DataTable(columns, shown))]
    if not few:
        rest = [row for metric, row in every if metric not in MAIN]
        measures.append(TitledTable("Further measures", "", DataTable(columns, rest), folded=True))
    points = [f"No difference is given for {listed(names)}: {words}." for words, names in why.items()]
    said = [[named.name, _title(named.run, _headline_cell(named.run))] for named in runs]
    models = TitledTable("The model of each run", "", DataTable(["Run", "Model"], said))
    tables = measures if shared else [models, *measures]
    return Section("results", "Results", lead, points=points, figures=figures, tables=tables)


def _difference_figure(runs: list[NamedRun], given: list[tuple[Cell, str, Paired]]) -> Figure:
    names = runs[0].run.names
    rows = {
        cohort: [_row(runs[0], cell, name, one) for cell, name, one in given if one.cohort == cohort]
        for cohort in dict.fromkeys(one.cohort for _, _, one in given)
    }
    limits = forest_limits([row for part in rows.values() for row in part], 0.0)
    panels = [Forest(names.cohort(cohort), part, "Difference in AUROC", 0.0, limits) for cohort, part in rows.items()]
    return Figure("differences", f"Differences from {runs[0].name}", PAIRED, [*panels])


def _row(first: NamedRun, cell: Cell, name: str, one: Paired) -> ForestRow:
    words = f"{estimate(one.value, one.low, one.high, digits=3, sign=True)}, {count(one.patients)} patients"
    style = first.run.names.style(cell.arm, cell.mode)
    clear = one.low > 0 or one.high < 0
    return ForestRow(", ".join(_named(first, cell)), words, one.value, (one.low, one.high), style, name, clear=clear)


def _settings(runs: list[NamedRun]) -> Section:
    found = settings_of(runs)
    lead = f"{count(len(found.differing.rows))} settings differ, {count(found.same)} are the same."
    if found.elsewhere:
        lead += f" {count(found.elsewhere)} more are not in every run and cannot be compared."
    tables = [TitledTable("Settings that differ", "", found.differing)] if found.differing.rows else []
    return Section("settings", "Settings", lead=lead, tables=tables)


def _headline_cell(run: Run) -> Cell | None:
    pair = headline(run)
    return max((cell for cell in _cells(run) if cell[:2] == pair), key=lambda cell: cell.fraction, default=None)


def _cells(run: Run) -> list[Cell]:
    return list(dict.fromkeys(Cell(e.arm, e.mode, e.fraction) for e in run.levels))


def _title(run: Run, cell: Cell | None) -> str:
    return run.names.arm(cell.arm, cell.mode) if cell else ABSENT


def _named(first: NamedRun, cell: Cell) -> list[str]:
    several = first.run.names.several_fractions
    return [_title(first.run, cell), *([percent(cell.fraction)] if several else [])]


def _value_rows(runs: list[NamedRun], cells: list[Cell]) -> list[tuple[str, list[str]]]:
    """Of a model each measure, with what a row of the table says: cohort, measure, each run's value."""
    at: list[dict[tuple[str, str], Estimate]] = []
    for named, cell in zip(runs, cells, strict=True):
        mine = by_cohort([e for e in named.run.levels if (e.arm, e.mode, e.fraction) == cell])
        at.append({(e.cohort, e.metric): e for e in mine})
    rows = []
    for cohort, metric in dict.fromkeys(key for found in at for key in found):
        values = [found.get((cohort, metric)) for found in at]
        words = [ABSENT if e is None else estimate(e.value, e.low, e.high, digits=3) for e in values]
        rows.append((metric, [runs[0].run.names.cohort(cohort), metric_title(metric), *words]))
    return rows


def _differences(runs: list[NamedRun], cells: list[Cell]) -> list[tuple[str, Paired]]:
    """Each later run minus the first, in each cohort, under the later run's name."""
    first, found = runs[0].run, []
    for named, cell in zip(runs[1:], cells[1:], strict=True):
        one, other = named.run.predictions, first.predictions
        why = same_patients(named.run, first) or ("" if named.run.outcome == first.outcome else "the outcomes differ")
        if why or one is None or other is None:
            found.append((named.name, Paired("", why=why)))
        else:
            found += [(named.name, p) for p in paired(one, other, cells=(cell, cells[0]), outcome=first.outcome)]
    return found
