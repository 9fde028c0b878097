"""Lay runs side by side on one page: what differs in settings, in data and in results.

A difference is given only where both runs tested the same patients: intervals that overlap, or do not, are no test.
"""

import json
from pathlib import Path

import polars as pl

from semeia.archive.atomic import write_text
from semeia.archive.keys import PSEUDONYM
from semeia.errors import InputError
from semeia.evaluation.cells import Cell
from semeia.evaluation.tables.paired_tables import Paired, paired
from semeia.report.asked import headline
from semeia.report.content import DataTable, Figure, Section, TitledTable
from semeia.report.estimates import Estimate, by_cohort, cohorts_of
from semeia.report.html import Page, to_html
from semeia.report.metrics import metric_title
from semeia.report.numbers import count, estimate, listed, percent
from semeia.report.page import remarks, write_report
from semeia.report.plots.forest import Forest, ForestRow, forest_limits
from semeia.report.run_folder import Run, read_run
from semeia.report.sections.made import facts_of

ABSENT = "\u2013"
MOST_ROWS = 24
MAIN = ("auroc", "macro_auroc", "quadratic_kappa", "c_index")  # what is shown first where there are more rows
PAIRED = (
    "AUROC of the run less that of the first, on the same patients; DeLong\u2019s interval, clustered by patient, not "
    "corrected for the number of comparisons."
)
Runs = dict[str, Run]  # by the names that they have on the page


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
    write_text(out, render({name: read_run(path) for name, path in zip(_names(runs), runs, strict=True)}))
    return out


def render(runs: Runs) -> str:
    """Return the page as HTML text."""
    about = Section("about", "Data and software", tables=[TitledTable("Each run", "", _about_table(runs))])
    found = warnings_of(runs)
    lead = f"To be weighed first: {count(len(found))}." if found else "Nothing that is known speaks against it."
    comparable = Section("comparable", "Can they be compared?", lead=lead, points=found)
    made = [comparable, _results(runs), settings_section(runs), about]
    of: dict[str, list[str]] = {}
    for name, run in runs.items():
        for words in remarks(run):
            of.setdefault(words, []).append(name)
    # what holds for everything in one of them, or in all
    said = [words if len(names) == len(runs) else f"{listed(names)}: {words}" for words, names in of.items()]
    return to_html(Page(f"{len(runs)} runs side by side", made, remark=". ".join([", ".join(runs), *said])))


def _names(runs: tuple[Path, ...]) -> list[str]:
    """The folders' names; with the folder above where two are alike."""
    short = [path.resolve().name for path in runs]
    long = [f"{path.resolve().parent.name}/{path.resolve().name}" for path in runs]
    titles = [a if short.count(a) == 1 else b for a, b in zip(short, long, strict=True)]
    return [name if titles.count(name) == 1 else f"{name} ({at})" for at, name in enumerate(titles, start=1)]


def _about_table(runs: Runs) -> DataTable:
    """What each run is, a column a run."""
    facts = [
        {"Study": run.study, "Outcome": run.outcome, "Tested": _tested(run), "Intervals": _methods(run)}
        | dict(facts_of(run))
        for run in runs.values()
    ]
    rows = [
        [name, *(known.get(name) or ABSENT for known in facts)] for name in dict.fromkeys(n for f in facts for n in f)
    ]
    return DataTable(["", *runs], [row for row in rows if set(row[1:]) != {ABSENT}])


def settings_section(runs: Runs) -> Section:
    """Show the settings that all runs have and that differ; one that a run lacks is of another kind of run."""
    flat = [flatten(run.record.get("config")) for run in runs.values()]
    every = list(dict.fromkeys(name for found in flat for name in found))
    shared = [[name, *(found[name] for found in flat)] for name in every if all(name in found for found in flat)]
    differing = [row for row in shared if len(set(row[1:])) > 1]
    lead = f"{count(len(differing))} settings differ, {count(len(shared) - len(differing))} are the same."
    if len(every) > len(shared):
        lead += f" {count(len(every) - len(shared))} more are not in every run and cannot be compared."
    table = TitledTable("Settings that differ", "", DataTable(["Setting", *runs], differing))
    return Section("settings", "Settings", lead=lead, tables=[table] if differing else [])


def flatten(config: object, prefix: str = "") -> dict[str, str]:
    """Return settings by their path, such as `optimiser.epochs`; lists stay whole."""
    if isinstance(config, dict) and config:
        found: dict[str, str] = {}
        for name, value in config.items():
            found |= flatten(value, f"{prefix}.{name}" if prefix else str(name))
        return found
    plain = config if isinstance(config, str) else json.dumps(config, ensure_ascii=False)
    return {prefix: plain} if prefix else {}


def warnings_of(runs: Runs) -> list[str]:
    """Say what speaks against comparing the runs, each with what differs; an empty list when nothing does."""
    kinds = {
        "The outcomes differ": lambda run: run.outcome,
        "The archives differ, so the data do": lambda run: run.fingerprint,
        "The patients are restricted differently": lambda run: run.names.stratum(run.restriction) or "all",
        "The numbers of tested units differ": _tested,
        "The intervals were made differently": _methods,
        "The versions of Semeia differ": lambda run: str(run.record.get("semeia_version") or ""),
        "A run is not finished": lambda run: str(run.record.get("state") or ""),
    }
    found = []
    for words, of in kinds.items():
        said = {name: of(run) for name, run in runs.items()}
        if len({value for value in said.values() if value}) > 1:
            found.append(f"{words}: {'; '.join(f'{name} {value or ABSENT}' for name, value in said.items())}.")
    unknown = [name for name, run in runs.items() if not run.fingerprint]
    if 0 < len(unknown) < len(runs):
        found.append(f"Which archive the patients are from is not known of {', '.join(unknown)}.")
    (first, one), *others = runs.items()
    for name, run in others:
        why = same_patients(one, run)
        if why:
            found.append(f"{first} and {name}: {why}, so no difference is given.")
    return found


def same_patients(one: Run, other: Run) -> str:
    """Say why it cannot be told that the ids of two runs mean the same patients; empty where it can.

    They do when they are keyed pseudonyms, or when both runs numbered the patients of one table (run.json "tested").
    """
    if one.predictions is None or other.predictions is None:
        return "a run has no predictions"
    marks = [run.record.get("tested") for run in (one, other)]
    ids = pl.concat([run["subject_id"] for run in (one.predictions, other.predictions)])
    if ids.str.contains(PSEUDONYM).all() or (marks[0] and marks[0] == marks[1]):
        return ""
    return "it cannot be told whether they tested the same patients"


def _tested(run: Run) -> str:
    sizes = {c: max((e for e in run.levels if e.cohort == c), key=lambda e: e.n) for c in cohorts_of(run.levels)}
    words = [f"{run.names.cohort(c)} {count(e.n)} units of {count(e.n_patients)} patients" for c, e in sizes.items()]
    return ", ".join(words)


def _methods(run: Run) -> str:
    return ", ".join(dict.fromkeys(e.interval_method for e in run.estimates if e.low is not None and not e.reference))


def _results(runs: Runs) -> Section:
    """The models that all runs hold, each against the first run's; else the model that each run's report is about."""
    first, cells = next(iter(runs.values())), [_cells(run) for run in runs.values()]
    matched = [[cell] * len(runs) for cell in cells[0] if all(cell in found for found in cells)]
    shared = len(matched)
    if not matched:
        one = [cell for run in runs.values() if (cell := _headline_cell(run)) is not None]
        matched = [one] if len(one) == len(runs) else []
    found = [(cell, name, p) for row in matched for cell in row[:1] for name, p in _differences(runs, row)]
    given, why = [item for item in found if not item[2].why], dict[str, list[str]]()
    for _, name, one in found:
        if one.why and name not in why.setdefault(one.why, []):
            why[one.why].append(name)
    every = [(metric, [*_named(first, row[0]), *v]) for row in matched for metric, v in _value_rows(runs, row)]
    labels = ["Labels"] if first.names.several_fractions else []
    columns = ["Model", *labels, "Cohort", "Measure", *runs]
    lead = (
        f"{count(shared)} models are in all runs, by arm, way of training and share of the labels."
        if shared
        else "No model is in all runs: the model that the report of each is about is laid beside the others."
    )
    few = len(every) <= MOST_ROWS
    shown = [row for metric, row in every if few or metric in MAIN]
    tables = [TitledTable("Measures with their intervals", "", DataTable(columns, shown))]
    if not few:
        rest = [row for metric, row in every if metric not in MAIN]
        tables.append(TitledTable("Further measures", "", DataTable(columns, rest), folded=True))
    points = [f"No difference is given for {listed(names)}: {words}." for words, names in why.items()]
    if not shared:
        said = [[name, _title(run, _headline_cell(run))] for name, run in runs.items()]
        tables.insert(0, TitledTable("The model of each run", "", DataTable(["Run", "Model"], said)))
    figures = [_difference_figure(runs, given)] if given else []
    return Section("results", "Results", lead, points=points, figures=figures, tables=tables)


def _difference_figure(runs: Runs, given: list[tuple[Cell, str, Paired]]) -> Figure:
    name, first = next(iter(runs.items()))
    rows = {
        cohort: [_row(first, cell, later, one) for cell, later, one in given if one.cohort == cohort]
        for cohort in dict.fromkeys(one.cohort for _, _, one in given)
    }
    limits = forest_limits([row for part in rows.values() for row in part], 0.0)
    title = first.names.cohort
    panels = [Forest(title(cohort), part, "Difference in AUROC", 0.0, limits) for cohort, part in rows.items()]
    return Figure("differences", f"Differences from {name}", PAIRED, [*panels])


def _row(first: Run, cell: Cell, name: str, one: Paired) -> ForestRow:
    words = f"{estimate(one.value, one.low, one.high, digits=3, sign=True)}, {count(one.patients)} patients"
    style = first.names.style(cell.arm, cell.mode)
    clear = one.low > 0 or one.high < 0
    return ForestRow(", ".join(_named(first, cell)), words, one.value, (one.low, one.high), style, name, clear=clear)


def _headline_cell(run: Run) -> Cell | None:
    pair = headline(run)
    return max((cell for cell in _cells(run) if cell[:2] == pair), key=lambda cell: cell.fraction, default=None)


def _cells(run: Run) -> list[Cell]:
    return list(dict.fromkeys(Cell(e.arm, e.mode, e.fraction) for e in run.levels))


def _title(run: Run, cell: Cell | None) -> str:
    return run.names.arm(cell.arm, cell.mode) if cell else ABSENT


def _named(first: Run, cell: Cell) -> list[str]:
    return [_title(first, cell), *([percent(cell.fraction)] if first.names.several_fractions else [])]


def _value_rows(runs: Runs, cells: list[Cell]) -> list[tuple[str, list[str]]]:
    """Of a model each measure, with what a row of the table says: cohort, measure, each run's value."""
    at: list[dict[tuple[str, str], Estimate]] = []
    for run, cell in zip(runs.values(), cells, strict=True):
        mine = by_cohort([e for e in run.levels if (e.arm, e.mode, e.fraction) == cell])
        at.append({(e.cohort, e.metric): e for e in mine})
    names, rows = next(iter(runs.values())).names, []
    for cohort, metric in dict.fromkeys(key for found in at for key in found):
        values = [found.get((cohort, metric)) for found in at]
        words = [ABSENT if e is None else estimate(e.value, e.low, e.high, digits=3) for e in values]
        rows.append((metric, [names.cohort(cohort), metric_title(metric), *words]))
    return rows


def _differences(runs: Runs, cells: list[Cell]) -> list[tuple[str, Paired]]:
    """Each later run minus the first, in each cohort, under the later run's name."""
    (first, *others), found = runs.values(), []
    for name, run, cell in zip([*runs][1:], others, cells[1:], strict=True):
        one, other = run.predictions, first.predictions
        why = same_patients(run, first) or ("" if run.outcome == first.outcome else "the outcomes differ")
        if why or one is None or other is None:
            found.append((name, Paired("", why=why)))
        else:
            found += [(name, p) for p in paired(one, other, cells=(cell, cells[0]), outcome=first.outcome)]
    return found
