"""Lay runs side by side on one page: what differs in settings, in data and in results.

Values stand beside each other with their intervals. A difference with an interval is given only where both runs tested
the same patients (paired_runs.py); intervals that overlap, or do not, are no test.
"""

from pathlib import Path

from semeia.archive.atomic import write_text
from semeia.errors import InputError
from semeia.evaluation.cells import Cell
from semeia.report.compare.paired_runs import Paired, paired
from semeia.report.compare.run_differences import ABSENT, NamedRun, about_table, settings_table, warnings_of
from semeia.report.content import DataTable, Section, TitledTable
from semeia.report.estimates import Estimate, cohorts_of
from semeia.report.html import Page, to_html
from semeia.report.metrics import metric_title
from semeia.report.numbers import count, estimate, percent
from semeia.report.page import write_report
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.answer import headline

DIFFERENCE = ["Difference in AUROC (95\u00a0% interval)", "Tested"]
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
    """Write one page on which runs stand side by side; differences are from the first of them.

    Raises:
        InputError: fewer than two runs, one that cannot be read, or a page that cannot be written.
    """
    if len(runs) < 2:
        raise InputError("--compare needs two runs or more.")
    if out.suffix != ".html":
        raise InputError(f"{out}: a page ends in .html; name one, such as comparison.html.")
    named = [NamedRun(name, read_run(path)) for name, path in zip(_names(runs), runs, strict=True)]
    write_text(out, render(named))
    return out


def render(runs: list[NamedRun]) -> str:
    """Return the page as HTML text."""
    made = [_comparable(runs), _headlines(runs), _same_cells(runs), _settings(runs), _about(runs)]
    title = f"{len(runs)} runs side by side"
    return to_html(Page(title, [section for section in made if section], remark=", ".join(n.name for n in runs)))


def _names(runs: tuple[Path, ...]) -> list[str]:
    """The folders' names; with the folder above where two are alike."""
    short = [path.resolve().name for path in runs]
    long = [f"{path.resolve().parent.name}/{path.resolve().name}" for path in runs]
    titles = [a if short.count(a) == 1 else b for a, b in zip(short, long, strict=True)]
    return [name if titles.count(name) == 1 else f"{name} ({at})" for at, name in enumerate(titles, start=1)]


def _comparable(runs: list[NamedRun]) -> Section:
    found = warnings_of(runs)
    lead = f"To be weighed first: {count(len(found))}." if found else "Nothing that is known speaks against it."
    return Section("comparable", "Can they be compared?", lead=lead, points=found)


def _headlines(runs: list[NamedRun]) -> Section:
    """The model that each run's own report is about, and paired differences from the first run's."""
    cells = [_headline_cell(named.run) for named in runs]
    titles = ["", "Model", *(_title(one.run, cell) for one, cell in zip(runs, cells, strict=True))]
    at = [_levels(named.run, cell) for named, cell in zip(runs, cells, strict=True)]
    table = DataTable(["Cohort", "Measure", *(named.name for named in runs)], [titles, *_value_rows(runs[0].run, at)])
    note = "The model that the report of each run is about, with all the labels it was given."
    tables = [TitledTable("Measures with their intervals", note, table)]
    found = _differences(runs, cells)
    if found:
        rows = [[runs[0].run.names.cohort(one.cohort), name, *_words(one)] for name, one in found]
        tables.append(TitledTable(_minus(runs), PAIRED, DataTable(["Cohort", "Run", *DIFFERENCE], rows)))
    return Section("results", "Results", tables=tables)


def _same_cells(runs: list[NamedRun]) -> Section | None:
    """Every model that all runs hold, by arm, mode and share of the labels."""
    cells = [dict.fromkeys(_cells(named.run)) for named in runs]
    shared = [cell for cell in cells[0] if all(cell in found for found in cells)]
    if len(shared) < 2:
        return None
    rows, differences = [], []
    for cell in shared:
        name = [_title(runs[0].run, cell), percent(cell.fraction)]
        rows += [[*name, *row] for row in _value_rows(runs[0].run, [_levels(named.run, cell) for named in runs])]
        given = [(run, one) for run, one in _differences(runs, [cell for _ in runs]) if not one.why]
        differences += [[*name, runs[0].run.names.cohort(one.cohort), run, *_words(one)] for run, one in given]
    columns = ["Model", "Labels", "Cohort", "Measure", *(named.name for named in runs)]
    tables = [TitledTable("Measures with their intervals", "", DataTable(columns, rows), folded=True)]
    if differences:
        table = DataTable(["Model", "Labels", "Cohort", "Run", *DIFFERENCE], differences)
        tables.insert(0, TitledTable(f"{_minus(runs)}, model by model", PAIRED, table, folded=True))
    lead = f"{count(len(shared))} models are in all runs, by arm, way of training and share of the labels."
    return Section("cells", "The same models in each run", lead=lead, tables=tables)


def _settings(runs: list[NamedRun]) -> Section:
    table, same = settings_table(runs)
    lead = f"{count(len(table.rows))} settings differ, {count(same)} are the same."
    tables = [TitledTable("Settings that differ", "", table)] if table.rows else []
    return Section("settings", "Settings", lead=lead, tables=tables)


def _about(runs: list[NamedRun]) -> Section:
    return Section("about", "Data and software", tables=[TitledTable("Each run", "", about_table(runs))])


def _headline_cell(run: Run) -> Cell | None:
    pair = headline(run)
    return max((cell for cell in _cells(run) if cell[:2] == pair), key=lambda cell: cell.fraction, default=None)


def _cells(run: Run) -> list[Cell]:
    levels = [e for e in run.estimates if not e.reference and e.stratum == "all" and e.outcome == run.outcome]
    return list(dict.fromkeys(Cell(e.arm, e.mode, e.fraction) for e in levels))


def _title(run: Run, cell: Cell | None) -> str:
    return run.names.arm(cell.arm, cell.mode) if cell else ABSENT


def _levels(run: Run, cell: Cell | None) -> dict[tuple[str, str], Estimate]:
    """The values of one model by cohort and measure."""
    levels = [e for e in run.estimates if not e.reference and e.stratum == "all" and e.outcome == run.outcome]
    mine = [e for e in levels if cell and (e.arm, e.mode, e.fraction) == cell]
    return {(e.cohort, e.metric): e for cohort in cohorts_of(mine) for e in mine if e.cohort == cohort}


def _value_rows(run: Run, at: list[dict[tuple[str, str], Estimate]]) -> list[list[str]]:
    keys = list(dict.fromkeys(key for found in at for key in found))
    rows = []
    for cohort, metric in keys:
        values = [found.get((cohort, metric)) for found in at]
        words = [ABSENT if e is None else estimate(e.value, e.low, e.high, digits=3) for e in values]
        rows.append([run.names.cohort(cohort), metric_title(metric), *words])
    return rows


def _differences(runs: list[NamedRun], cells: list[Cell | None]) -> list[tuple[str, Paired]]:
    """Each later run minus the first, in each cohort, under the later run's name."""
    first, found = cells[0], []
    for named, cell in zip(runs[1:], cells[1:], strict=True):
        if first is not None and cell is not None and named.run.outcome == runs[0].run.outcome:
            each = paired(named.run, runs[0].run, cells=(cell, first), outcome=named.run.outcome)
            found += [(named.name, one) for one in each]
    return found


def _minus(runs: list[NamedRun]) -> str:
    return f"Differences from {runs[0].name}"


def _words(one: Paired) -> list[str]:
    """A difference with its interval and the patients it was taken on, or why there is none."""
    if one.why:
        return [f"none: {one.why}", ""]
    said = estimate(one.value, one.low, one.high, digits=3, sign=True)
    return [said, f"{count(one.units)} units of {count(one.patients)} patients"]
