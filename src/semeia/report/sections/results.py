"""Show the results tables: a row an arm and mode at full labels, cohorts side by side, intervals everywhere."""

from dataclasses import dataclass

from semeia.evaluation.description import ROLES
from semeia.report.content import Section
from semeia.report.estimates import Estimate, cohorts_of, find, full_labels, headline_metric, outcomes_of, pairs_of
from semeia.report.metrics import metric_title, positive_words
from semeia.report.names import Names
from semeia.report.numbers import count, interval, number
from semeia.report.run_folder import Run


@dataclass(frozen=True)
class Cell:
    """A value and its interval, in words; both empty where there is none."""

    value: str = ""
    interval: str = ""


@dataclass(frozen=True)
class Row:
    """One arm in one mode."""

    title: str
    cells: list[Cell]


@dataclass(frozen=True)
class Group:
    """The rows that play one part in the comparison."""

    title: str
    rows: list[Row]


@dataclass(frozen=True)
class ResultsTable:
    """`heads` are the metrics, each spanning the `cohorts`; all but the first table are `folded`."""

    title: str
    note: str
    heads: list[str]
    cohorts: list[str]
    groups: list[Group]
    folded: bool


DISCRIMINATION = ("auroc", "auprc")
TRUST = ("brier", "calibration_intercept", "calibration_slope")
OPERATING = ("sensitivity", "specificity")
SEVERAL_CLASSES = (
    (
        "Several classes",
        ("macro_auroc", "balanced_accuracy", "macro_f1", "accuracy"),
        "Macro: the mean over classes, each counting the same. The class that is called is the most probable one.",
    ),
    (
        "Nearness of grades",
        ("quadratic_kappa", "grade_error"),
        "Kappa is 1 where the called grade is always the true one and 0 where it agrees by chance only.",
    ),
    ("Probabilities of the classes", ("brier_classes", "log_loss"), "The smaller, the better."),
)


def results_section(run: Run) -> Section | None:
    """Show every arm with all its labels."""
    names = run.names
    tables = results_tables(run.estimates, names)
    methods = list(dict.fromkeys(_method(e) for e in run.estimates if e.low is not None))
    how = f" ({'; '.join(methods)})" if methods else ""
    given = " with all the labels it was given" if names.several_fractions else ""
    lead = f"Every arm{given}. Under each value stands its interval{how}."
    return Section("results", "Results", lead=lead, own=tables, files=("results.csv",)) if tables else None


def _method(e: Estimate) -> str:
    """How an interval was made; of an exact one not how many patients it is of."""
    return e.interval_method.split(",")[0] if "exact" in e.interval_method else e.interval_method


def results_tables(estimates: list[Estimate], names: Names) -> list[ResultsTable]:
    """Tabulate discrimination, calibration, and the operating point, for each outcome."""
    outcomes = outcomes_of(estimates)
    tables = []
    for outcome in outcomes:
        kinds = (
            ("Discrimination", DISCRIMINATION, ""),
            (
                "Calibration",
                TRUST,
                "A calibrated model has intercept 0 and slope 1; the smaller the Brier score the better.",
            ),
            ("Operating point", OPERATING, names.threshold),
            *SEVERAL_CLASSES,
            ("Each grade or more", _cuts(estimates, outcome), "How well each cut of the grades is told, by itself."),
        )
        for title, metrics, note in kinds:
            name = f"{title}: {names.outcome(outcome)}" if len(outcomes) > 1 else title
            folded = bool(tables)
            table = _table(estimates, names, outcome=outcome, title=name, note=note, metrics=metrics, folded=folded)
            if table is not None:
                tables.append(table)
    return tables


def sizes(names: Names, estimates: list[Estimate], *, outcome: str) -> list[str]:
    """Return how many stand in each cohort, in words."""
    metric = headline_metric(estimates, outcome=outcome)
    levels = full_labels(find(estimates, metric=metric, outcome=outcome))
    positive = positive_words(metric)
    words = []
    for cohort in cohorts_of(levels):
        e = max((e for e in levels if e.cohort == cohort), key=lambda e: e.n)
        words.append(
            f"{names.cohort(cohort)}: {count(e.n)} units of {count(e.n_patients)} patients, "
            f"{count(e.n_positive)} {positive}"
        )
    return words


def _cuts(estimates: list[Estimate], outcome: str) -> tuple[str, ...]:
    found = [e.metric for e in estimates if e.outcome == outcome and e.metric.startswith("auroc_at_least_")]
    return tuple(dict.fromkeys(found))


def _table(
    estimates: list[Estimate],
    names: Names,
    *,
    outcome: str,
    title: str,
    note: str,
    metrics: tuple[str, ...],
    folded: bool,
) -> ResultsTable | None:
    rows = [e for metric in metrics for e in full_labels(find(estimates, metric=metric, outcome=outcome))]
    if not rows:
        return None
    present = [metric for metric in metrics if any(e.metric == metric for e in rows)]
    cohorts = cohorts_of(rows)
    at = {(e.arm, e.mode, e.metric, e.cohort): e for e in rows}
    groups: dict[str, list[Row]] = {}
    for arm, mode in names.in_order(pairs_of(rows)):
        cells = [_cell(at.get((arm, mode, metric, cohort))) for metric in present for cohort in cohorts]
        groups.setdefault(names.about(arm).role, []).append(Row(names.arm(arm, mode), cells))
    return ResultsTable(
        title=title,
        note=note,
        heads=[metric_title(metric) for metric in present],
        cohorts=[names.cohort(cohort) for cohort in cohorts],
        groups=[Group(ROLES[role], found) for role, found in groups.items()],
        folded=folded,
    )


def _cell(e: Estimate | None) -> Cell:
    if e is None:
        return Cell()
    digits = 3 if e.metric.startswith("brier") else 2
    signed = e.metric == "calibration_intercept"
    return Cell(number(e.value, digits, sign=signed), interval(e.low, e.high, digits) or "no interval")
