"""A run folder as the page needs it: run.json, results.csv, tables/, predictions.parquet and metrics.jsonl.

Only results.csv must be there (a stranger's evaluation folder has no more than that and the predictions).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import polars as pl

from semeia.errors import InputError
from semeia.evaluation import check_results, read_predictions
from semeia.evaluation.description import read_description
from semeia.report.estimates import Estimate, cohorts_of, estimates_of, pairs_of, with_tests
from semeia.report.names import ALL, Names
from semeia.report.result_tables import read_tables


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
        """Return the outcome that the page is about: the first of the results."""
        return next((e.outcome for e in self.estimates), "")

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

    def table(self, name: str, columns: Mapping[str, type]) -> pl.DataFrame:
        """Return the rows of a further table that speak of the page's outcome and restriction; none where it is absent.

        Args:
            name: of the table.
            columns: what the analysis that made it says its columns are. One that the file lacks (an older run) is
                null; texts are never null.
        """
        table = self.tables.get(name, pl.DataFrame(schema=columns))
        held = [
            (pl.col(column) if column in table.columns else pl.lit(None)).cast(dtype).alias(column)
            for column, dtype in columns.items()
        ]
        texts = pl.col(pl.String).fill_null("")
        return table.select(held).with_columns(texts).filter(outcome=self.outcome, stratum=self.restriction or ALL)

    @property
    def trained_here(self) -> bool:
        """Whether Semeia trained the models itself, under its own rules; a stranger's predictions it only judged."""
        return self.record.get("kind") in ("study", "own")

    def setting(self, *names: str) -> object:
        """Return one setting of run.json "config" by its path; None where there is none.

        A study may keep how networks are trained under "training", or beside its other settings.
        """
        found: object = self.record.get("config")
        if isinstance(found, dict) and names[0] not in found and isinstance(found.get("training"), dict):
            found = found["training"]
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        return found

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


def read_run(path: Path) -> Run:
    """Read a run folder.

    Raises:
        InputError: there is no results.csv, or a file in the folder cannot be read.
    """
    tables = read_tables(path)
    tested = with_tests(_results(path / "results.csv"), tables.get("comparisons"))
    estimates, restriction = _unrestricted(tested)
    return Run(
        path=path,
        record=_record(path / "run.json"),
        estimates=estimates,
        predictions=_predictions(path / "predictions.parquet", restriction),
        metrics=_metrics(path / "metrics.jsonl"),
        restriction=restriction,
        tables=tables,
    )


def _record(path: Path) -> dict[str, object]:
    if not path.exists():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error}); mend or remove it") from error
    if not isinstance(record, dict):
        raise InputError(f"{path}: expected an object with named fields, found {type(record).__name__}")
    return record


def _results(path: Path) -> list[Estimate]:
    if not path.exists():
        raise InputError(f"{path}: not found; write it with `semeia evaluate`, or finish the run first")
    try:
        return estimates_of(check_results(pl.read_csv(path, infer_schema=False)))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path}: not readable as CSV ({str(error).splitlines()[0]})") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _unrestricted(estimates: list[Estimate]) -> tuple[list[Estimate], str]:
    """Where no row speaks of all patients, the first stratum is what the page is about."""
    if not estimates or any(e.stratum == ALL for e in estimates):
        return estimates, ""
    first = estimates[0].stratum
    return [replace(e, stratum=ALL) if e.stratum == first else e for e in estimates], first


def _predictions(path: Path, restriction: str) -> pl.DataFrame | None:
    if not path.exists():
        return None
    frame = read_predictions(path).filter(pl.col("label").is_not_null())
    if not restriction:
        return frame
    try:
        return frame.filter(pl.sql_expr(restriction))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        # Better no curve than one of other patients than the table's.
        return None


def _metrics(path: Path) -> list[dict[str, object]]:
    """A run that was killed may have left half a line: what does not parse is passed over."""
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            item = json.loads(line)
        except ValueError:
            continue
        if isinstance(item, dict):
            found.append(item)
    return found
