"""Read a run folder for the page: run.json, results.csv, tables/, predictions.parquet and metrics.jsonl.

Only results.csv must be there. The folder may have been received: nothing in it is evaluated, followed elsewhere or
trusted to be of the right type.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from semeia.archive.small_file import MEGABYTE, read_json, read_object, read_small
from semeia.errors import InputError
from semeia.evaluation import check_results, read_predictions
from semeia.evaluation.description import read_description
from semeia.evaluation.tables.columns import TABLES
from semeia.report.estimates import MACRO, Estimate, cohorts_of, estimates_of, pairs_of, with_tests
from semeia.report.names import ALL, Names, Pair
from semeia.report.result_tables import read_csv, read_tables, require_as_written

IN_WHERE = "in_where"  # whether a row of the predictions is one that --where leaves
LARGEST_LOG = 512 * MEGABYTE
Read = TypeVar("Read")


@dataclass(frozen=True)
class Run:
    """What one run left behind; `record` is run.json, empty when there is none.

    When every row of the results is of one restriction (`semeia evaluate --where`), `restriction` is its
    text, the estimates speak of it as of all, and the predictions are those that it leaves.
    """

    path: Path
    record: dict[str, object]
    estimates: list[Estimate]
    predictions: pl.DataFrame | None
    metrics: list[dict[str, object]]
    restriction: str = ""
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)

    def records(self, key: str) -> list[dict[str, object]]:
        """Return the list of objects under one key of run.json, empty when it is absent or something else."""
        value = self.record.get(key)
        return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

    @property
    def study(self) -> str:
        """Return the study that made the run, by its own word; empty when nothing says so."""
        return str(self.record.get("study") or next((e.study for e in self.estimates), ""))

    @property
    def outcome(self) -> str:
        """Return the outcome that the page is about: the first that the run describes, else of the results."""
        held = dict.fromkeys(e.outcome for e in self.estimates)
        described = (name for name in self.names.description.outcomes if name in held)
        return next(described, next(iter(held), ""))

    @property
    def fingerprint(self) -> str:
        """Return how the fingerprint of the archive begins (run.json has all of it); empty where there is none."""
        archive = self.record.get("archive")
        return str(archive.get("fingerprint") or "")[:16] if isinstance(archive, dict) else ""

    @cached_property
    def names(self) -> Names:
        """Return the words of the run, from what it says of itself."""
        pretrained = frozenset(str(item["arm"]) for item in self.records("pretraining") if "arm" in item)
        pairs, cohorts = pairs_of(self.estimates), cohorts_of(self.estimates)
        return Names(
            read_description(self.record),
            pretrained,
            tuple(pairs),
            tuple(cohorts),
            several_fractions=len({e.fraction for e in self.estimates}) > 1,
            several_seeds=any(e.seeds not in ("", "0", "1") for e in self.estimates),
        )

    @cached_property
    def mine(self) -> list[Estimate]:
        """Return the estimates of the page's outcome."""
        return [e for e in self.estimates if e.outcome == self.outcome]

    @cached_property
    def levels(self) -> list[Estimate]:
        """Return those that are of all units and no differences."""
        return [e for e in self.mine if not e.reference and e.stratum == ALL]

    @cached_property
    def arms(self) -> list[Pair]:
        """Return the arms and modes worth a line of their own."""
        return self.names.headlines(pairs_of(self.mine))

    @cached_property
    def cohorts(self) -> list[str]:
        """Return the cohorts in the order of the page."""
        return cohorts_of(self.mine)

    def cohorts_in(self, table: pl.DataFrame) -> list[str]:
        """Return the cohorts that a further table speaks of, in the order of the page."""
        present = table["cohort"].unique(maintain_order=True).to_list()
        return sorted(present, key=lambda cohort: ([*self.cohorts, cohort]).index(cohort))

    @property
    def metric(self) -> str:
        """Return by what arms are compared first: AUROC, or macro AUROC where the outcome has several classes."""
        return MACRO if any(e.metric == MACRO for e in self.mine) else "auroc"

    def find(
        self,
        metric: str,
        *,
        arm: str | None = None,
        mode: str | None = None,
        stratum: str = ALL,
        differences: bool = False,
    ) -> list[Estimate]:
        """Return the estimates of the page's outcome that fit; what is left out (None) may be anything."""
        return [
            e
            for e in self.mine
            if (e.metric, e.stratum, bool(e.reference)) == (metric, stratum, differences)
            and arm in (None, e.arm)
            and mode in (None, e.mode)
        ]

    def table(self, name: str) -> pl.DataFrame:
        """Return the rows of a further table that speak of the page's outcome and restriction; none where it is absent.

        A measure that the file lacks (an older run) is null; texts are never null.
        """
        table = self.tables.get(name, pl.DataFrame(schema=TABLES[name]))
        there = {*table.columns, "outcome", "stratum"}
        held = [
            (pl.col(column) if column in there else pl.lit(None)).cast(dtype).alias(column)
            for column, dtype in TABLES[name].items()
        ]
        texts = pl.col(pl.String).fill_null("")
        return table.select(held).with_columns(texts).filter(outcome=self.outcome, stratum=self.restriction or ALL)

    def files(self, *tables: str) -> tuple[str, ...]:
        """Return which files of the folder hold every row of these tables."""
        return tuple(f"tables/{name}.csv" for name in tables if name in self.tables)

    @property
    def sites(self) -> list[str]:
        """Return the sites of the patients that were tested."""
        if self.predictions is None or "site" not in self.predictions.columns:
            return []
        return sorted({str(site) for site in self.predictions["site"].drop_nulls().unique()} - {""})

    @property
    def trained_here(self) -> bool:
        """Whether Semeia trained the models itself, under its own rules; a stranger's predictions it only judged."""
        return self.record.get("kind") in ("study", "own")

    @property
    def notes(self) -> list[str]:
        """Return what was left out and why, as the run noted it."""
        notes = self.record.get("notes")
        return [str(note) for note in notes] if isinstance(notes, list) else []

    @property
    def limits(self) -> list[str]:
        """Return what the study that made the run says against itself."""
        limits = self.record.get("limits")
        return [str(limit) for limit in limits] if isinstance(limits, list) else []

    @property
    def statements(self) -> dict[str, str]:
        """Return answers to checklists by the name of the fact, where the study has words of its own."""
        said = self.record.get("statements")
        return {str(fact): str(words) for fact, words in said.items()} if isinstance(said, dict) else {}


def read_run(path: Path, *, record: dict[str, object] | None = None) -> Run:
    """Read a run folder; `record` stands for its run.json where that is about to be written."""
    record = _record(path / "run.json") if record is None else record
    require_as_written(path, record)
    tables = read_tables(path)
    tested = with_tests(_results(path / "results.csv"), tables.get("comparisons"))
    estimates, restriction = _unrestricted(tested)
    return Run(
        path=path,
        record=record,
        estimates=estimates,
        predictions=_predictions(path / "predictions.parquet", restriction),
        metrics=_metrics(path / "metrics.jsonl"),
        restriction=restriction,
        tables=tables,
    )


def read_written(path: Path, read: Callable[[Any], Read]) -> Read | None:
    """Return what `read` makes of a JSON file that a study wrote into the run; None where it wrote none."""
    if not path.exists():
        return None
    try:
        return read(read_json(path))
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise InputError(f"{path}: not readable ({error}); remove it or run the study again") from error


def _record(path: Path) -> dict[str, object]:
    record = read_object(path) if path.exists() else {}
    if record.get("kind") == "evaluation" and record.get("state") == "running":
        raise InputError(f"{path.parent}: its evaluation was stopped; give the same `semeia evaluate` again")
    return record


def _results(path: Path) -> list[Estimate]:
    if not path.exists():
        raise InputError(f"{path}: not found; write it with `semeia evaluate`, or finish the run first")
    try:
        return estimates_of(_sound(check_results(read_csv(path))))
    except InputError as error:
        if str(error).startswith(str(path)):
            raise
        raise InputError(f"{path}: {error}") from error


def _sound(results: pl.DataFrame) -> pl.DataFrame:
    """The results, if every row can be one: whole counts, shares, ends of an interval in order."""
    values = ("value", "low", "high")
    wrong = {
        "n, n_patients, n_positive": pl.min_horizontal("n", "n_patients", "n_positive") < 0,
        "fraction": ~pl.col("fraction").is_between(0, 1, closed="right"),
        "low, high": pl.col("low") > pl.col("high"),
        "value, low, high": pl.any_horizontal(pl.col(name).is_infinite() for name in values),
        "outcome, arm, mode, fraction, cohort, stratum, metric": pl.any_horizontal(
            pl.col(name).is_null() for name in ("outcome", "arm", "mode", "fraction", "cohort", "stratum", "metric")
        ),
    }
    for columns, rule in wrong.items():
        rows = results.select(rule.fill_null(False).arg_true()).to_series()
        if len(rows):
            raise InputError(f"row {rows[0] + 2}, {columns}: cannot be of a result; evaluate the predictions again")
    return results


def _unrestricted(estimates: list[Estimate]) -> tuple[list[Estimate], str]:
    """Where no row speaks of all patients, the first stratum is what the page is about."""
    if not estimates or any(e.stratum == ALL for e in estimates):
        return estimates, ""
    first = estimates[0].stratum
    return [replace(e, stratum=ALL) if e.stratum == first else e for e in estimates], first


def _predictions(path: Path, restriction: str) -> pl.DataFrame | None:
    """The labelled predictions that the results speak of.

    Which rows a restriction leaves is read from their column `in_where`, which `semeia evaluate` wrote. The restriction
    itself is text of a file that anybody may have made, and is never evaluated: without the column there is no curve.
    """
    if not path.exists():
        return None
    frame = read_predictions(path).filter(pl.col("label").is_not_null())
    # the table's reader makes a truth of the text "true"; marks are what was written as one.
    marked = pl.read_parquet_schema(path).get(IN_WHERE) == pl.Boolean
    if restriction and not marked:
        return None
    return (frame.filter(IN_WHERE) if restriction else frame).drop(IN_WHERE, strict=False)


def _metrics(path: Path) -> list[dict[str, object]]:
    """A run that was killed may have left half a line: what does not parse is passed over."""
    if not path.exists():
        return []
    found = []
    for line in read_small(path, most=LARGEST_LOG).decode(errors="replace").splitlines():
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(item, dict):
            found.append(item)
    return found
