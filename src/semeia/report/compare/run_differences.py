"""Say what differs between runs beside their results: settings, data, software."""

import json
from dataclasses import dataclass

import polars as pl

from semeia.archive.keys import PSEUDONYM
from semeia.report.content import DataTable
from semeia.report.estimates import cohorts_of
from semeia.report.numbers import count
from semeia.report.run_folder import Run
from semeia.report.sections.made import facts_of

ABSENT = "\u2013"


@dataclass(frozen=True)
class NamedRun:
    """A run with the name that it has on the page."""

    name: str
    run: Run


def about_table(runs: list[NamedRun]) -> DataTable:
    """Tabulate what each run is, a column a run."""
    facts = [_about(named.run) for named in runs]
    rows_named = list(dict.fromkeys(name for found in facts for name in found))
    return DataTable(
        ["", *(named.name for named in runs)], [[n, *(f.get(n, ABSENT) for f in facts)] for n in rows_named]
    )


@dataclass(frozen=True)
class Settings:
    """Settings of several runs: those that all have and that differ, how many are the same, how many not all have."""

    differing: DataTable
    same: int
    elsewhere: int


def settings_of(runs: list[NamedRun]) -> Settings:
    """Compare the settings that all runs have; one that a run lacks is of another kind of run, and no difference."""
    flat = [flatten(named.run.record.get("config")) for named in runs]
    every = list(dict.fromkeys(name for found in flat for name in found))
    shared = [name for name in every if all(name in found for found in flat)]
    rows = [[name, *(found[name] for found in flat)] for name in shared]
    differing = [row for row in rows if len(set(row[1:])) > 1]
    table = DataTable(["Setting", *(named.name for named in runs)], differing)
    return Settings(table, len(rows) - len(differing), len(every) - len(shared))


def flatten(config: object, prefix: str = "") -> dict[str, str]:
    """Return settings by their path, such as `optimiser.epochs`; lists stay whole."""
    if isinstance(config, dict) and config:
        found: dict[str, str] = {}
        for name, value in config.items():
            found |= flatten(value, f"{prefix}.{name}" if prefix else str(name))
        return found
    plain = config if isinstance(config, str) else json.dumps(config, ensure_ascii=False)
    return {prefix: plain} if prefix else {}


def warnings_of(runs: list[NamedRun]) -> list[str]:
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
        said = {named.name: of(named.run) for named in runs}
        if len({value for value in said.values() if value}) > 1:
            found.append(f"{words}: {'; '.join(f'{name} {value or ABSENT}' for name, value in said.items())}.")
    unknown = [named.name for named in runs if not named.run.fingerprint]
    if 0 < len(unknown) < len(runs):
        found.append(f"Which archive the patients are from is not known of {', '.join(unknown)}.")
    for named in runs[1:]:
        why = same_patients(runs[0].run, named.run)
        if why:
            found.append(f"{runs[0].name} and {named.name}: {why}, so no difference is given.")
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


def _about(run: Run) -> dict[str, str]:
    tested = _tested(run)
    own = {"Study": run.study, "Outcome": run.outcome, "Tested": tested, "Intervals": _methods(run)}
    return {name: words for name, words in (own | dict(facts_of(run))).items() if words}


def _tested(run: Run) -> str:
    sizes = {c: max((e for e in run.levels if e.cohort == c), key=lambda e: e.n) for c in cohorts_of(run.levels)}
    words = [f"{run.names.cohort(c)} {count(e.n)} units of {count(e.n_patients)} patients" for c, e in sizes.items()]
    return ", ".join(words)


def _methods(run: Run) -> str:
    return ", ".join(dict.fromkeys(e.interval_method for e in run.estimates if e.low is not None and not e.reference))
