"""Show the results tables: a row an arm and mode at full labels, cohorts side by side, intervals everywhere."""

from dataclasses import dataclass

from semeia.evaluation.description import ROLES
from semeia.report.content import Section
from semeia.report.estimates import Estimate, by_cohort, cohorts_of, full_labels, pairs_of
from semeia.report.metrics import metric_title, positive_words
from semeia.report.names import ALL, Names
from semeia.report.numbers import count, interval, number
from semeia.report.run_folder import Run

Cell = tuple[str, str]  # a value and its interval, in words; both empty where there is none
Row = tuple[str, list[Cell]]  # of one arm in one mode


@dataclass(frozen=True)
class ResultsTable:
    """`heads` are the metrics, each spanning the `cohorts`; `groups` are rows under the part that their arms play."""

    title: str
    note: str
    heads: list[str]
    cohorts: list[str]
    groups: list[tuple[str, list[Row]]]
    folded: bool


CALIBRATED = "A calibrated model has intercept 0 and slope 1; the smaller the Brier score the better."
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
    made = [e.interval_method for e in run.estimates if e.low is not None]
    # of an exact interval not how many patients it is of
    methods = list(dict.fromkeys(method.split(",")[0] if "exact" in method else method for method in made))
    how = f" ({'; '.join(methods)})" if methods else ""
    given = " with all the labels it was given" if names.several_fractions else ""
    lead = f"Every arm{given}. Under each value stands its interval{how}."
    return Section("results", "Results", lead=lead, own=tables, files=("results.csv",)) if tables else None


def results_tables(estimates: list[Estimate], names: Names) -> list[ResultsTable]:
    """Tabulate discrimination, calibration, and the operating point, for each outcome."""
    outcomes = list(dict.fromkeys(e.outcome for e in estimates))
    tables = []
    for outcome in outcomes:
        cuts = dict.fromkeys(e.metric for e in estimates if e.metric.startswith("auroc_at_least_"))
        levels = [e for e in estimates if (e.outcome, e.stratum, e.reference) == (outcome, ALL, "")]
        for title, metrics, note in (
            ("Discrimination", ("auroc", "auprc"), ""),
            ("Calibration", ("brier", "calibration_intercept", "calibration_slope"), CALIBRATED),
            ("Operating point", ("sensitivity", "specificity"), names.threshold),
            *SEVERAL_CLASSES,
            ("Each grade or more", cuts, "How well each cut of the grades is told, by itself."),
        ):
            rows = [e for metric in metrics for e in full_labels([e for e in levels if e.metric == metric])]
            name = f"{title}: {names.outcome(outcome)}" if len(outcomes) > 1 else title
            if rows:
                tables.append(_table(rows, names, title=name, note=note, folded=bool(tables)))
    return tables


def sizes(run: Run) -> list[str]:
    """Return how many stand in each cohort, in words."""
    largest: dict[str, Estimate] = {}
    for e in by_cohort(full_labels(run.find(run.metric))):
        largest[e.cohort] = max(largest.get(e.cohort, e), e, key=lambda e: e.n)
    return [
        f"{run.names.cohort(cohort)}: {count(e.n)} units of {count(e.n_patients)} patients, "
        f"{count(e.n_positive)} {positive_words(run.metric)}"
        for cohort, e in largest.items()
    ]


def _table(rows: list[Estimate], names: Names, *, title: str, note: str, folded: bool) -> ResultsTable:
    """The rows, of a few metrics in their order."""
    metrics, cohorts = list(dict.fromkeys(e.metric for e in rows)), cohorts_of(rows)
    at = {(e.arm, e.mode, e.metric, e.cohort): e for e in rows}
    groups: dict[str, list[Row]] = {}
    for arm, mode in names.in_order(pairs_of(rows)):
        cells = [_cell(at.get((arm, mode, metric, cohort))) for metric in metrics for cohort in cohorts]
        groups.setdefault(names.about(arm).role, []).append((names.arm(arm, mode), cells))
    return ResultsTable(
        title=title,
        note=note,
        heads=[metric_title(metric) for metric in metrics],
        cohorts=[names.cohort(cohort) for cohort in cohorts],
        groups=[(ROLES[role], found) for role, found in groups.items()],
        folded=folded,
    )


def _cell(e: Estimate | None) -> Cell:
    if e is None:
        return "", ""
    digits = 3 if e.metric.startswith("brier") else 2
    signed = e.metric == "calibration_intercept"
    return number(e.value, digits, sign=signed), interval(e.low, e.high, digits) or "no interval"
